#!/usr/bin/perl
# What systemd does for a service: takes its notifications and hands over
# sockets.
#
#   systemd.pl FILE [NAME=udp|tcp ...] -- COMMAND [ARG...]
#
# Becomes COMMAND, with each NAME's socket on a free port of 127.0.0.1. A process
# beside it writes each notification as a line to FILE ("READY=1 STATUS=...")
# until COMMAND has ended.
use strict;
use warnings;
use Cwd;
use Fcntl;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;

my $file = shift;
my (@names, @sockets);

while (@ARGV && (my $arg = shift) ne '--') {
	my ($name, $type) = split /=/, $arg;
	my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
		Proto => $type, $type eq 'tcp' ? (Listen => 8) : ()) or die $!;
	push @names, $name;
	push @sockets, $socket;
}

my $path = getcwd() . "/$file.sock";
my $notify = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path)
	or die $!;
my $command = $$;

if (fork() == 0) {
	open(my $out, '>', $file) or die $!;
	$out->autoflush(1);
	close STDERR;
	$_->close for @sockets;
	while (getppid() == $command) {
		next unless IO::Select->new($notify)->can_read(0.2);
		$notify->recv(my $text, 4096);
		$text =~ s/\n/ /g;
		print $out "$text\n";
	}
	exit;
}

$^F = 255; # what is opened from here on is for COMMAND
if (@sockets) {
	require POSIX;
	# Out of the way first: they may have each other's numbers.
	my @high = map { fcntl($_, F_DUPFD, 100) } @sockets;
	POSIX::dup2($high[$_], 3 + $_) for 0 .. $#high;
	POSIX::close($_) for @high;
	$ENV{LISTEN_PID} = $$;
	$ENV{LISTEN_FDS} = @sockets;
	$ENV{LISTEN_FDNAMES} = join ':', @names;
}
$ENV{NOTIFY_SOCKET} = $path;
exec @ARGV or die $!;
