#!/usr/bin/perl
# Where no message should come, or one that is to be looked at: listens on a port
# of 127.0.0.1, over UDP and TCP, and answers nothing.
#
#   listener.pl [PORT]
#
# Prints the port, then what it hears, without the CRs, each datagram with an
# empty line behind it. A connection is heard, too: "connected".
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

$| = 1;
my ($datagrams, $streams);

# A port that is free over one may be taken over the other.
for (1 .. 100) {
	$datagrams = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
		LocalPort => $ARGV[0] // 0, Proto => 'udp') or next;
	$streams = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
		LocalPort => $datagrams->sockport, Listen => 8,
		ReuseAddr => 1) and last;
}
die 'no free port' unless $streams;
my $all = IO::Select->new($datagrams, $streams);

print $datagrams->sockport, "\n";
while (1) {
	for my $socket ($all->can_read) {
		if ($socket == $streams) {
			$all->add($streams->accept);
			print "connected\n";
			next;
		}
		$socket->recv(my $text, 65535);
		if ($socket != $datagrams && !length $text) {
			$all->remove($socket);
			next;
		}
		$text =~ s/\r//g;
		print "$text\n";
	}
}
