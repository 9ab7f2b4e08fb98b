#!/usr/bin/perl
# A microphone that hears a tone, for a phone that reads its samples from a FIFO:
# 8000 a second, 16 bits each.
#
#   microphone.pl FIFO COMMAND [ARG...]
#
# Becomes COMMAND. A process beside it writes the tone until COMMAND has ended,
# at the pace of time: ALSA's null device has none, and a phone that reads
# without waiting takes a whole processor.
use strict;
use warnings;
use Fcntl;

use constant { F_SETPIPE_SZ => 1031, PERIOD_S => 0.02, SAMPLES => 160 };

my $path = shift;
my $command = $$;

if (fork() == 0) {
	# For reading, too: so it need not wait for the phone. What the phone
	# does not read in time is dropped.
	sysopen(my $fifo, $path, O_RDWR | O_NONBLOCK) or die $!;
	fcntl($fifo, F_SETPIPE_SZ, 4096);
	open(STDIN, '<', '/dev/null') or die $!;
	my $tone = pack 's*',
		map { 8000 * sin($_ * 2 * 3.14159265 / 20) } 1 .. SAMPLES;
	while (getppid() == $command) {
		syswrite $fifo, $tone;
		select undef, undef, undef, PERIOD_S;
	}
	exit;
}
exec @ARGV or die $!;
