#!/usr/bin/perl
# The side door: runs sh scripts as root for whoever holds the other end of the second serial port.
# It needs neither the network nor a login, so it works while the table is full and SSH is dead.
#   request  "!door NONCE LENGTH SECONDS\n"            and LENGTH bytes of script
#   answer   "!door NONCE EXITCODE OUTLEN ERRLEN\n"    and stdout, then stderr
use strict;
use warnings;
use POSIX ();

my $dir = '/run/lab-door';
my $limit = 8 << 20;
mkdir $dir, 0700;
open(my $line, '+<', '/dev/ttyS1') or die "ttyS1: $!";
system('stty', '-F', '/dev/ttyS1', 'raw', '-echo', 'cs8', '115200') == 0 or die 'stty';

sub send_all {
    my ($data) = @_;
    while (length $data) {
        my $sent = syswrite($line, $data, 4096);
        next if !defined $sent && $!{EINTR};
        die "write: $!" if !defined $sent;
        substr($data, 0, $sent, '');
    }
}

# Files and not pipes: a script may leave processes behind that keep its stdout open.
sub content {
    my ($name) = @_;
    open(my $file, '<', "$dir/$name") or return '';
    my $size = read($file, my $data, $limit);
    return $size ? $data : '';
}

sub run_script {
    my ($script, $seconds) = @_;
    open(my $file, '>', "$dir/script") or die "script: $!";
    print $file $script;
    close $file;
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        POSIX::setsid();
        chdir '/';
        open(STDIN, '<', '/dev/null');
        open(STDOUT, '>', "$dir/out");
        open(STDERR, '>', "$dir/err");
        close $line;
        @ENV{qw(PATH HOME LC_ALL)} = ('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', '/root', 'C.UTF-8');
        exec 'sh', "$dir/script";
        POSIX::_exit(127);
    }
    # Polled, because a process stuck in the kernel (a hanging rmmod) cannot even be killed: it must not close the door.
    my ($waited, $killed) = (0, 0);
    while (waitpid($pid, POSIX::WNOHANG()) == 0) {
        if ($waited > $seconds) {
            return 124 if $killed++ > 20;
            kill 'KILL', -$pid;
        }
        select(undef, undef, undef, $waited < 0.2 ? 0.01 : 0.05);
        $waited += $waited < 0.2 ? 0.01 : 0.05;
    }
    return $killed ? 124 : $? & 127 ? 128 + ($? & 127) : $? >> 8;
}

my $buffer = '';
while (1) {
    # A half-sent request of somebody who went away must not swallow the next one.
    my $ready = '';
    vec($ready, fileno($line), 1) = 1;
    if (!select($ready, undef, undef, 5)) { $buffer = ''; next }
    my $got = sysread($line, $buffer, 4096, length $buffer);
    die "read: $!" if !$got && !$!{EINTR};
    while ($buffer =~ /!door ([0-9a-f]{32}) (\d+) ([\d.]+)\n/) {
        my ($nonce, $length, $seconds, $start) = ($1, $2, $3, $+[0]);
        last if length($buffer) < $start + $length;
        my $script = substr($buffer, $start, $length);
        substr($buffer, 0, $start + $length, '');
        unlink "$dir/out", "$dir/err";
        my $code = run_script($script, $seconds);
        my ($out, $err) = (content('out'), content('err'));
        send_all(sprintf("\n!door %s %d %d %d\n", $nonce, $code, length $out, length $err) . $out . $err);
    }
}
