#!/usr/bin/perl
# SIP phones that do what a test tells them, and nothing else: README.md lists
# the verbs.
#
# Reads commands from standard input, a line each, and answers each with lines
# "= TEXT" and a last one, "ok" or "not ok REASON". A message that a phone has
# received waits until a command asks for it; only what came before, once more,
# is set aside. All messages go to standard error.
use strict;
use warnings;
use Digest::MD5 'md5_hex';
use IO::Select;
use IO::Socket::INET;

my $DEADLINE_S = 15;
my $DOMAIN = 'acme.example';
my (%peer, %server, $serial);
my $select = IO::Select->new;
$| = 1;
STDERR->autoflush(1);

# ---- messages --------------------------------------------------------------

# Names as they came, since their spelling matters; looked up in any case.
sub parse {
	my ($text) = @_;
	my ($head, $body) = split /\r\n\r\n/, $text, 2;
	my ($start, @lines) = split /\r\n/, $head;
	my %m = (start => $start, body => $body // '', text => $text);

	for (@lines) {
		die "what is '$_'?\n" unless /^([^:\s]+)\s*:\s*(.*)$/;
		push @{$m{fields}}, [$1, $2];
	}
	($m{status}, $m{reason}) = $start =~ m{^SIP/2\.0 (\d{3}) (.*)$};
	($m{method}, $m{uri}) = $start =~ m{^([A-Z]+) (\S+) SIP/2\.0$};
	die "what is '$start'?\n" unless $m{status} || $m{method};
	$m{cseq_method} = (split ' ', value(\%m, 'CSeq'))[1];
	return \%m;
}

sub values_of {
	my ($m, $name) = @_;
	return map { $_->[1] } grep { lc $_->[0] eq lc $name } @{$m->{fields}};
}

sub value {
	my ($m, $name) = @_;
	return (values_of($m, $name))[0] // '';
}

# A list, wherever its commas and lines are.
sub list {
	my ($m, $name) = @_;
	return map { split /,\s*(?=<)/ } values_of($m, $name);
}

sub tag {
	my ($m, $name) = @_;
	return value($m, $name) =~ /;tag=([^;\s]+)/ ? $1 : '';
}

sub branch {
	my ($m) = @_;
	return value($m, 'Via') =~ /;branch=([^;,\s]+)/ ? $1 : '';
}

sub uri_in {
	my ($text) = @_;
	return $text =~ /<([^>]*)>/ ? $1 : $text =~ s/;.*//r;
}

# "| Name: value" in place of the field of that name, "| +Name: value" beside it,
# "| -Name" without it; "| body: TEXT", with \n for line ends.
sub write_message {
	my ($start, $fields, @changes) = @_;
	my @fields = @$fields;
	my $body = '';

	for (@changes) {
		if (/^body: (.*)$/) {
			$body = $1 =~ s/\\n/\r\n/gr;
		} elsif (/^-(.*)$/) {
			my $name = $1;
			@fields = grep { $_->[0] ne $name } @fields;
		} elsif (/^(\+?)([\w-]+): (.*)$/) {
			my ($more, $name, $value) = ($1, $2, $3);
			@fields = grep { $_->[0] ne $name } @fields if !$more;
			push @fields, [$name, $value];
		}
	}
	return join '', map({ "$_\r\n" } $start,
		map({ "$_->[0]: $_->[1]" } @fields),
		'Content-Length: ' . length $body, ''), $body;
}

# ---- sockets ---------------------------------------------------------------

sub trace {
	my ($p, $way, $text) = @_;
	print STDERR "---- $p->{name} $way\n", $text =~ s/\r\n/\n/gr;
}

sub open_peer {
	my ($name, $transport, $ip) = @_;
	my $p = $peer{$name} = {name => $name, transport => $transport, cseq => 1,
		domain => $DOMAIN, inbox => [], again => [], trying => [],
		seen => {}, buffer => ''};

	$p->{socket} = $transport eq 'udp'
		? IO::Socket::INET->new(Proto => 'udp', LocalAddr => $ip)
		: IO::Socket::INET->new(Proto => 'tcp', LocalAddr => $ip,
			PeerAddr => $server{tcp});
	die "no socket: $!\n" unless $p->{socket};
	$p->{address} = $p->{socket}->sockhost . ':' . $p->{socket}->sockport;
	$p->{uri} = "sip:$name\@$p->{address}" .
		($transport eq 'tcp' ? ';transport=tcp' : '');
	$select->add($p->{socket});
	return $p;
}

sub transmit {
	my ($p, $text, $to) = @_;
	trace($p, '>', $text);
	if ($p->{transport} eq 'tcp') {
		$p->{socket}->syswrite($text);
		return;
	}
	my ($ip, $port) = split /:/, $to // $server{udp};
	$p->{socket}->send($text, 0, pack_sockaddr_in($port, inet_aton($ip)))
		or die "cannot send: $!\n";
}

# Sorts what has come: for the test, or known already.
sub accept_message {
	my ($p, $text, $from) = @_;
	my $m = parse($text);
	my $key = join ' ', $m->{status} // $m->{method}, branch($m),
		value($m, 'CSeq'), tag($m, 'To');

	trace($p, '<', $text);
	$m->{from} = $from;
	if (($m->{status} // 0) == 100) {
		push @{$p->{trying}}, $m;
	} elsif ((!$m->{status} || $m->{status} >= 200) && $p->{seen}{$key}++) {
		push @{$p->{again}}, $m;
	} else {
		push @{$p->{inbox}}, $m;
	}
}

sub read_stream {
	my ($p) = @_;
	my $n = $p->{socket}->sysread($p->{buffer}, 65536, length $p->{buffer});

	if (!$n) {
		$select->remove($p->{socket});
		$p->{is_closed} = 1;
	}
	while ($p->{buffer} =~ /^(.*?\r\n\r\n)/s) {
		my $head = $1;
		my $size = $head =~ /^Content-Length: (\d+)/m ? $1 : 0;

		last if length $p->{buffer} < length($head) + $size;
		accept_message($p, substr($p->{buffer}, 0,
			length($head) + $size, ''), undef);
	}
}

sub receive {
	my ($p) = @_;

	return read_stream($p) if $p->{transport} eq 'tcp';
	my $from = $p->{socket}->recv(my $text, 65536) or return;
	my ($port, $ip) = unpack_sockaddr_in($from);
	if ($p->{is_silent}) {
		$p->{n_received}++;
		return;
	}
	accept_message($p, $text, inet_ntoa($ip) . ":$port");
}

# until(WHAT, TEST): receives until TEST is true; its value.
sub until_true {
	my ($what, $test) = @_;
	my $end = time + $DEADLINE_S;
	my $value;

	while (!($value = $test->())) {
		die "$what\n" if time > $end;
		for my $socket ($select->can_read(1)) {
			my ($p) = grep { ($_->{socket} // 0) == $socket }
				values %peer;
			receive($p) if $p;
		}
	}
	return $value;
}

# ---- requests --------------------------------------------------------------

sub credentials {
	my ($p, $m, $method, $uri) = @_;
	my $name = $m->{status} == 407 ? 'Proxy-Auth' : 'WWW-Auth';
	my $challenge = value($m, $name . 'enticate');
	my ($realm) = $challenge =~ /realm="([^"]*)"/;
	my ($nonce) = $challenge =~ /nonce="([^"]*)"/;
	my $ha1 = md5_hex("$p->{number}:$realm:$p->{secret}");
	my $response = md5_hex("$ha1:$nonce:00000001:c:auth:" .
		md5_hex("$method:$uri"));

	$name = $m->{status} == 407 ? 'Proxy-Authorization' : 'Authorization';
	return "$name: Digest username=\"$p->{number}\", realm=\"$realm\"," .
		" nonce=\"$nonce\", uri=\"$uri\", response=\"$response\"," .
		' algorithm=MD5, qop=auth, nc=00000001, cnonce="c"';
}

sub new_branch {
	return 'z9hG4bK' . ++$serial . md5_hex("$$ $serial" . rand);
}

sub via {
	my ($p, $branch) = @_;
	return 'SIP/2.0/' . uc($p->{transport}) . " $p->{address};rport;branch=$branch";
}

# Sends a request of the dialog or call d; keeps it as the last of its method.
sub send_request {
	my ($p, $d, $method, $cseq, @changes) = @_;
	my @routes = @{$d->{routes} // []};
	my $uri = $d->{target};
	my %option = map { /^(uri|strict)(?:=(.*))?$/ ? ($1 => $2 // 1) : () } @changes;

	if (@routes && (uri_in($routes[0]) !~ /;lr/ || $option{strict})) {
		push @routes, "<$uri>";
		$uri = uri_in(shift @routes);
	}
	$uri = $option{uri} if $option{uri};
	my $text = write_message("$method $uri SIP/2.0", [
		['Via', via($p, new_branch())],
		map({ ['Route', $_] } @routes),
		['Max-Forwards', '70'],
		['From', $d->{local}], ['To', $d->{remote}],
		['Call-ID', $d->{call_id}], ['CSeq', "$cseq $method"],
		['Contact', "<$p->{uri}>"]], @changes);
	my $sent = {text => $text, method => $method, cseq => $cseq,
		dialog => $d, changes => \@changes, uri => $uri};

	transmit($p, $text);
	$p->{sent}{$method} = $sent;
	return $sent;
}

sub new_dialog {
	my ($p, $uri) = @_;
	my $me = "sip:" . ($p->{number} // $p->{name}) . "\@$p->{domain}";

	return {target => $uri, local => "<$me>;tag=$p->{name}" . ++$serial,
		remote => "<$uri>", call_id => md5_hex($$ . $serial . rand)};
}

# The ACK of what is no 2xx, and CANCEL, are made of the request.
sub hop_request {
	my ($p, $sent, $method, $to, @changes) = @_;
	my $m = parse($sent->{text});
	my @fields = map { [$_->[0], $_->[1]] }
		grep { $_->[0] =~ /^(Via|Route|Max-Forwards|From|Call-ID)$/ }
		@{$m->{fields}};

	transmit($p, write_message("$method $m->{uri} SIP/2.0",
		[@fields, ['To', $to], ['CSeq', "$sent->{cseq} $method"]],
		@changes));
}

# ---- what the messages do to a phone ---------------------------------------

# An answer to its INVITE makes or changes its dialog.
sub take_answer {
	my ($p, $m) = @_;
	my $sent = $p->{sent}{$m->{cseq_method}} or return;

	return if $m->{cseq_method} ne 'INVITE' && $m->{cseq_method} ne 'SUBSCRIBE';
	if ($m->{status} >= 300) {
		hop_request($p, $sent, 'ACK', value($m, 'To'))
			if $m->{cseq_method} eq 'INVITE' && !$p->{is_lazy};
		return;
	}
	return unless tag($m, 'To');
	my $d = $p->{dialog} = {%{$sent->{dialog}}, invite_cseq => $sent->{cseq},
		remote => value($m, 'To')};
	$d->{routes} = [reverse list($m, 'Record-Route')]
		if !tag({fields => [['To', $sent->{dialog}{remote}]]}, 'To');
	$d->{target} = uri_in(value($m, 'Contact')) if value($m, 'Contact');
}

sub take_request {
	my ($p, $m) = @_;

	$p->{request}{$m->{method}} = $m;
	$p->{request}{last} = $m if $m->{method} ne 'ACK';
	if ($m->{method} =~ /^(INVITE|SUBSCRIBE|REFER)$/ && !tag($m, 'To')) {
		$p->{my_tag} = $p->{name} . ++$serial;
		$p->{dialog} = {call_id => value($m, 'Call-ID'),
			local => value($m, 'To') . ";tag=$p->{my_tag}",
			remote => value($m, 'From'),
			routes => [list($m, 'Record-Route')]};
	}
	$p->{dialog}{target} = uri_in(value($m, 'Contact'))
		if $p->{dialog} && $m->{method} =~ /^(INVITE|UPDATE|SUBSCRIBE|REFER)$/;
}

my %PHRASE = (100 => 'Trying', 180 => 'Ringing', 183 => 'Session Progress',
	200 => 'OK', 486 => 'Busy Here', 487 => 'Request Terminated');

sub respond {
	my ($p, $m, $status, @changes) = @_;
	my $to = value($m, 'To');
	my $makes_dialog = $m->{method} =~ /^(INVITE|SUBSCRIBE|UPDATE|REFER)$/;
	my @copied = map { [$_->[0], $_->[1]] } grep {
		$_->[0] =~ /^(Via|From|Call-ID|CSeq)$/ ||
			$makes_dialog && $_->[0] eq 'Record-Route'
	} @{$m->{fields}};

	$p->{my_tag} //= $p->{name} . ++$serial;
	$to .= ";tag=$p->{my_tag}" if $to !~ /;tag=/ && $status > 100;
	push @copied, ['To', $to];
	push @copied, ['Contact', "<$p->{uri}>"] if $makes_dialog;
	my $text = write_message(
		"SIP/2.0 $status " . ($PHRASE{$status} // "Status $status"),
		\@copied, @changes);
	$p->{answer}{$m->{method}} = [$text, $m->{from}];
	transmit($p, $text, $m->{from});
}

# ---- the verbs -------------------------------------------------------------

sub describe {
	my ($m) = @_;
	return $m->{status} ? "$m->{status} to $m->{cseq_method}" : $m->{method};
}

# Does it match "180", "INVITE", "200 to BYE"?
sub matches {
	my ($m, $what) = @_;
	return $m->{method} eq $what if $m->{method};
	return $m->{status} eq $1 && (!$2 || $m->{cseq_method} eq $2)
		if $what =~ /^(\d+)(?: to (\w+))?$/;
	return 0;
}

sub next_message {
	my ($p, $what) = @_;
	until_true("$p->{name} got no $what", sub { @{$p->{inbox}} });
	return shift @{$p->{inbox}};
}

sub take {
	my ($p, $m) = @_;
	$p->{got} = $m;
	$m->{method} ? take_request($p, $m) : take_answer($p, $m);
}

# Everything that was sent before the answer to an OPTIONS has come by then.
sub fence {
	my ($p) = @_;
	my $d = new_dialog($p, "sip:$DOMAIN");
	my @others;

	for (1 .. 2) {
		my $sent = send_request($p, $d, 'OPTIONS', ++$p->{cseq});
		my $is_mine = sub {
			($_[0]{status} // 0) == 200 &&
				value($_[0], 'CSeq') eq "$p->{cseq} OPTIONS"
		};
		until_true('the server is silent',
			sub { grep { $is_mine->($_) } @{$p->{inbox}} });
		@{$p->{inbox}} = grep { !$is_mine->($_) } @{$p->{inbox}};
	}
}

sub gets {
	my ($p, $what) = @_;

	if ($what eq 'nothing') {
		fence($p);
		return unless @{$p->{inbox}};
		die "$p->{name} got " . describe($p->{inbox}[0]) . "\n";
	}
	if ($what =~ /^(.*) again$/ || $what eq '100') {
		my $aside = $what eq '100' ? $p->{trying} : $p->{again};
		my $wanted = $1 // $what;

		$p->{got} = until_true("$p->{name} got no $what", sub {
			shift @$aside while @$aside && !matches($aside->[0], $wanted);
			shift @$aside;
		});
		return;
	}
	my $m = next_message($p, $what);
	die "$p->{name} got " . describe($m) . ", not $what\n"
		unless matches($m, $what);
	take($p, $m);
}

# Sends a request, and once more with credentials when it is challenged.
sub start {
	my ($p, $method, $uri, @changes) = @_;
	my $d = new_dialog($p, $uri);

	$p->{my_tag} = undef;
	for (@changes) {
		$d->{call_id} = $1 if /^Call-ID: (.*)$/;
		$d->{local} = $1 if /^From: (.*)$/;
		$d->{routes} = [$1] if /^Route: (.*)$/;
	}
	@changes = grep { !/^(Route|From|Call-ID):/ } @changes;
	my $sent = send_request($p, $d, $method, ++$p->{cseq}, @changes);
	return unless $p->{secret} && !grep { $_ eq 'open' } @changes;
	my $m = next_message($p, 'challenge');
	die "$p->{name} got " . describe($m) . ", no challenge\n"
		unless $m->{status} =~ /^40[17]$/;
	take($p, $m);
	send_request($p, $d, $method, ++$p->{cseq},
		credentials($p, $m, $method, $sent->{uri}), @changes);
}

sub dialog_of {
	my ($p) = @_;
	return $p->{dialog} // die "$p->{name} is in no dialog\n";
}

# The other phone of a call that a server has forgotten knows it still.
my %VERB = (
	listens => sub {
		my ($name, $ip) = @_;
		my $p = open_peer($name, 'udp', $ip || '127.0.0.1');
		print "= $p->{address}\n";
	},
	# Takes what comes without a look at it: a name server, say.
	swallows => sub {
		my ($name) = @_;
		my $p = open_peer($name, 'udp', '127.0.0.1');
		$p->{is_silent} = 1;
		print "= $p->{address}\n";
	},
	swallowed => sub {
		my ($name) = @_;
		until_true("$name got nothing", sub { $peer{$name}{n_received} });
	},
	registers => sub {
		my ($name, $words, @changes) = @_;
		my ($number, $secret, $transport) = split ' ', $words;
		my $p = $peer{$name} // open_peer($name, $transport // 'udp', '127.0.0.1');

		@$p{'number', 'secret'} = ($number, $secret);
		start($p, 'REGISTER', "sip:$DOMAIN", "To: <sip:$number\@$DOMAIN>",
			@changes);
		gets($p, '200 to REGISTER');
	},
	calls => sub {
		my ($name, $number, @changes) = @_;
		start($peer{$name}, 'INVITE',
			$number =~ /^sip:/ ? $number : "sip:$number\@$DOMAIN",
			'Content-Type: application/sdp', 'body: v=0\n', @changes);
	},
	# "METHOD": within the dialog; "METHOD to NUMBER": not.
	sends => sub {
		my ($name, $what, @changes) = @_;
		my $p = $peer{$name};

		if ($what =~ /^(\w+) to (\S+)$/) {
			my ($method, $to) = ($1, $2);
			start($p, $method, $to =~ /^sip:/ ? $to : "sip:$to\@$DOMAIN",
				@changes);
		} else {
			send_request($p, dialog_of($p), $what, ++$p->{cseq}, @changes);
		}
	},
	acks => sub {
		my ($name, undef, @changes) = @_;
		my $p = $peer{$name};
		my $d = dialog_of($p);

		send_request($p, $d, 'ACK', $d->{invite_cseq}, @changes);
	},
	cancels => sub {
		my ($name, undef, @changes) = @_;
		my $sent = $peer{$name}{sent}{INVITE};

		hop_request($peer{$name}, $sent, 'CANCEL', $sent->{dialog}{remote}, @changes);
	},
	# The same bytes once more: the last request of that method, or answer
	# to one.
	repeats => sub {
		my ($name, $what) = @_;
		my $p = $peer{$name};

		if ($what =~ /^answer to (\w+)$/) {
			transmit($p, @{$p->{answer}{$1}});
		} else {
			transmit($p, $p->{sent}{$what}{text});
		}
	},
	gets => sub { gets($peer{$_[0]}, $_[1]) },
	# Whatever comes first, until it comes.
	awaits => sub {
		my ($name, $what) = @_;
		my $p = $peer{$name};

		until_true("$name got no $what", sub {
			my $m = shift @{$p->{inbox}} // return 0;
			take($p, $m);
			return matches($m, $what);
		});
	},
	says => sub {
		my ($name, $what, @changes) = @_;
		my ($status, $method) = $what =~ /^(\d+)(?: to (\w+))?$/
			or die "what is '$what'?\n";
		my $m = $peer{$name}{request}{$method // 'last'}
			or die "$name was asked nothing\n";

		respond($peer{$name}, $m, $status, @changes);
	},
	rings => sub {
		my $p = $peer{$_[0]};
		gets($p, 'INVITE');
		respond($p, $p->{request}{INVITE}, 180);
	},
	# Has its call taken back.
	stops => sub {
		my $p = $peer{$_[0]};
		gets($p, 'CANCEL');
		respond($p, $p->{request}{CANCEL}, 200);
		respond($p, $p->{request}{INVITE}, 487);
		gets($p, 'ACK');
	},
	has => sub {
		my ($name, $what) = @_;
		my $m = $peer{$name}{got};
		my ($no, $field, $kind, $wanted) =
			$what =~ /^(no )?([\w-]+)(?:(:| ~) (.*))?$/
			or die "what is '$what'?\n";
		my $got = $field eq 'uri' ? $m->{uri}
			: $field eq 'reason' ? $m->{reason}
			: $field eq 'body' ? $m->{body} =~ s/\r\n/\\n/gr
			: join ', ', map { $_->[1] } grep { $_->[0] eq $field }
				@{$m->{fields}};

		return if $no ? $got eq '' : $kind eq ':' ? $got eq $wanted
			: $got =~ /$wanted/;
		die "$name has $field: $got\n";
	},
	shows => sub {
		my ($name, $what) = @_;
		my $m = $peer{$name}{got};
		print "= $_\n" for $what eq 'uri' ? $m->{uri}
			: $what eq 'address' ? $peer{$name}{address}
			: values_of($m, $what);
	},
	# It sends no ACK of its own from now on.
	idles => sub { $peer{$_[0]}{is_lazy} = 1 },
	closes => sub {
		my $p = $peer{$_[0]};
		$select->remove($p->{socket});
		close delete $p->{socket};
	},
);

sub perform {
	my ($line) = @_;
	my ($head, @changes) = split / \| /, $line;
	my ($name, $verb, $rest) = split ' ', $head, 3;

	if ($name eq 'server') {
		@server{'udp', 'tcp'} = ($verb, $rest);
		return;
	}
	my $do = $VERB{$verb} // die "what is '$verb'?\n";
	die "who is '$name'?\n"
		unless $peer{$name} || $verb =~ /^(listens|swallows|registers)$/;
	$do->($name, $rest // '', @changes);
}

while (defined(my $line = <STDIN>)) {
	chomp $line;
	print STDERR "==== $line\n";
	if (eval { perform($line); 1 }) {
		print "ok\n";
	} else {
		print 'not ok ', $@;
	}
}
