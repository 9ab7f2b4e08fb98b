#!/usr/bin/perl
# What inetd does: inetd.pl COMMAND [ARG...]
#
# Listens on a free port of 127.0.0.1, prints HOST:PORT, and runs COMMAND for each
# connection, which is its standard input and output.
use strict;
use warnings;
use IO::Socket::INET;

$SIG{CHLD} = 'IGNORE';
$| = 1;
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8)
	or die $!;
print '127.0.0.1:', $listener->sockport, "\n";
while (my $peer = $listener->accept) {
	next if fork() != 0;
	open(STDIN, '<&', $peer) && open(STDOUT, '>&', $peer) or die $!;
	exec @ARGV or die $!;
}
