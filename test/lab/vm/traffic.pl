#!/usr/bin/perl
# Traffic for one connection table. Runs in the guest with nothing but perl-base.
#   traffic.pl serve                          echoes, as long as it lives
#   traffic.pl crowd LIVE ATTEMPTS RESETS     keeps up to LIVE connections talking, tries ATTEMPTS new ones a second
#                                             and resets RESETS of the old ones a second
#   traffic.pl rush MAX N                     waits until the limit is not MAX any more, then opens N connections at once
#                                             and holds as many as get through
#   traffic.pl probe N                        prints how many of N fresh connections answer within 2 seconds each
use strict;
use warnings;
use Errno qw(EINPROGRESS);
use Socket qw(:DEFAULT SOCK_NONBLOCK);
use Time::HiRes qw(time);

my $patience = 2;
my $server   = sockaddr_in(7000, inet_aton('10.99.0.1'));
my ($mode, @args) = @ARGV;
$SIG{PIPE} = 'IGNORE';
$| = 1;

# Sockets by file number, and those of them that may be read or written within the time.
sub ready {
    my ($sockets, $for_write, $timeout) = @_;
    my $bits = '';
    vec($bits, $_, 1) = 1 for keys %$sockets;
    my ($read, $write) = $for_write ? (undef, $bits) : ($bits, undef);
    return () if select($read, $write, undef, $timeout) < 1;
    my $set = $for_write ? $write : $read;
    return grep { vec($set, $_, 1) } keys %$sockets;
}

sub attempt {
    socket(my $socket, PF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) or return;
    return unless connect($socket, $server) || $! == EINPROGRESS;
    return { socket => $socket, deadline => time + $patience };
}

sub connected { return unpack('i', getsockopt($_[0], SOL_SOCKET, SO_ERROR)) == 0 }

sub serve {
    socket(my $listener, PF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) or die "socket: $!";
    setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1);
    bind($listener, sockaddr_in(7000, INADDR_ANY)) or die "bind: $!";
    listen($listener, 4096) or die "listen: $!";
    my %open = (fileno($listener) => $listener);
    while (1) {
        for my $number (ready(\%open, 0, 1)) {
            if ($number == fileno $listener) {
                while (accept(my $client, $listener)) { $open{ fileno $client } = $client }
                next;
            }
            my $got = sysread($open{$number}, my $data, 4096);
            if ($got) { syswrite($open{$number}, $data) }
            else      { delete $open{$number} }
        }
    }
}

sub crowd {
    my ($most, $attempts, $resets) = @_;
    my (%trying, %live, @order);
    my ($filling, $owed_attempts, $owed_resets, $last, $refused) = (1, 0, 0, time, time);
    while (1) {
        my $now = time;
        $owed_attempts += $attempts * ($now - $last);
        $owed_resets   += $resets * ($now - $last);
        $last = $now;
        # Connections come as fast as they get through; the rates begin when something is in the way, and end with it.
        $filling = 1 if keys %live < $most && $now - $refused > 1;
        while ($filling ? keys %trying < 40 && keys(%live) + keys(%trying) < $most : $owed_attempts >= 1) {
            $owed_attempts -= 1 unless $filling;
            my $new = attempt() or last;
            $trying{ fileno $new->{socket} } = $new;
        }
        $owed_attempts = 0 if $filling;
        $owed_resets   = 0 if $filling;
        my %sockets = map { $_ => 1 } keys %trying;
        for my $number (ready(\%sockets, 1, 0.02)) {
            my $socket = delete($trying{$number})->{socket};
            next if !connected($socket) || keys %live >= $most;
            $live{$number} = $socket;
            push @order, $number;
        }
        $filling = 0 if keys %live >= $most;
        for my $number (keys %trying) {
            next if $trying{$number}{deadline} > $now;
            delete $trying{$number};
            ($filling, $refused) = (0, $now);
        }
        for (; $owed_resets >= 1 && @order; $owed_resets -= 1) {
            my $socket = delete $live{ shift @order };
            setsockopt($socket, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
            close $socket;
        }
        # Some of the live ones say something, and what comes back is read.
        for (1 .. 3) { syswrite($live{ $order[ rand @order ] }, 'x') if @order }
        for my $number (ready(\%live, 0, 0.03)) {
            next if sysread($live{$number}, my $data, 4096);
            delete $live{$number};
            @order = grep { $_ != $number } @order;
        }
    }
}

sub limit {
    open(my $file, '<', '/proc/sys/net/netfilter/nf_conntrack_max') or die "max: $!";
    return 0 + <$file>;
}

# What a raised limit meets in the field: those who could not get in are still waiting at the door.
sub rush {
    my ($max, $count) = @_;
    select(undef, undef, undef, 0.02) while limit() == $max;
    my (%trying, %live);
    while ($count > 0 || %trying) {
        my $now = time;
        while ($count > 0 && keys %trying < 100) {
            $count--;
            my $new = attempt() or next;
            # So that ending this process leaves no entry that waits for two minutes.
            setsockopt($new->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
            $trying{ fileno $new->{socket} } = $new;
        }
        my %sockets = map { $_ => 1 } keys %trying;
        for my $number (ready(\%sockets, 1, 0.02)) {
            my $one = delete $trying{$number};
            $live{$number} = $one if connected($one->{socket});
        }
        delete @trying{ grep { $trying{$_}{deadline} < $now } keys %trying };
    }
    sleep 3600;
}

sub probe {
    my ($count) = @_;
    my (%trying, %asked, $answered);
    my ($started, $until) = (0, time + $patience);
    $answered = 0;
    while ($started < $count || %trying || %asked) {
        my $now = time;
        last if $now > $until;
        if ($started++ < $count) {
            my $new = attempt();
            $trying{ fileno $new->{socket} } = $new if $new;
            $until = $now + $patience;
        }
        my %sockets = map { $_ => 1 } keys %trying;
        for my $number (ready(\%sockets, 1, 0.02)) {
            my $one = delete $trying{$number};
            next unless connected($one->{socket});
            syswrite($one->{socket}, 'x');
            $asked{$number} = $one;
        }
        for my $number (ready(\%asked, 0, 0.02)) {
            my $one = delete $asked{$number};
            my $got = sysread($one->{socket}, my $data, 1);
            $answered++ if $got && time < $one->{deadline};
        }
    }
    print "$answered\n";
}

my %modes = (serve => \&serve, crowd => \&crowd, rush => \&rush, probe => \&probe);
($modes{ $mode // '' } or die "serve, crowd, rush or probe\n")->(@args);
