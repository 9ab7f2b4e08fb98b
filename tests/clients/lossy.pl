#!/usr/bin/perl
# A bad network in front of a server: relays datagrams, and loses some.
#
#   lossy.pl HOST:PORT PERCENT SEED
#
# Prints the port of 127.0.0.1 where it takes what is for HOST:PORT, then a line
# for each datagram that it loses: "to" or "from", and the first line of it. Until
# SIGUSR1 it loses none. To the server each client shows with its own address,
# at another port.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($server, $percent, $seed) = @ARGV;
my $loses = 0;
$SIG{USR1} = sub { $loses = 1 };
$| = 1;

my $front = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp')
	or die $!;
my $all = IO::Select->new($front);
my (%to_server, %client);

sub is_lost {
	my ($direction, $datagram) = @_;

	return 0 unless $loses;
	# Numerical Recipes' generator: the same everywhere.
	$seed = ($seed * 1664525 + 1013904223) % 2**32;
	return 0 if ($seed >> 16) % 100 >= $percent;
	print "$direction ", $datagram =~ /^([^\r\n]*)/, "\n";
	return 1;
}

# socket_for(CLIENT, ADDRESS): what goes to the server for that client.
sub socket_for {
	my ($client, $address) = @_;
	my $socket = $to_server{$client};

	return $socket if $socket;
	$socket = IO::Socket::INET->new(LocalAddr => $address, Proto => 'udp',
		PeerAddr => $server) or die $!;
	$to_server{$client} = $socket;
	$client{$socket} = $client;
	$all->add($socket);
	return $socket;
}

print $front->sockport, "\n";
while (1) {
	for my $socket ($all->can_read) {
		my $from = $socket->recv(my $datagram, 65535);
		next unless defined $from && length $datagram;
		if ($socket == $front) {
			next if is_lost('to', $datagram);
			socket_for($from, $front->peerhost)->send($datagram);
		} elsif (!is_lost('from', $datagram)) {
			$front->send($datagram, 0, $client{$socket});
		}
	}
}
