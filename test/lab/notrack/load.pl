#!/usr/bin/perl
# Web traffic of port 80, both ends, in one process each and with nothing but perl-base.
#   load.pl serve                    answers every request, as long as it lives
#   load.pl greet                    accepts every connection and says no more
#   load.pl burst N TARGET…          N connections that are opened and closed, one after the other
#   load.pl flow RATE KEPT TARGET…   RATE short connections a second, and KEPT ones that stay open and ask twice a second,
#                                    until it gets SIGTERM
# A TARGET is SERVER,CLIENT: two addresses of a family; they take turns. burst and flow end in a line of JSON.
use strict;
use warnings;
use Errno  qw(EINPROGRESS);
use Socket qw(:DEFAULT SOCK_NONBLOCK IPPROTO_IPV6 IPV6_V6ONLY IPPROTO_IP inet_pton pack_sockaddr_in6);
use Time::HiRes qw(time);

# A lost packet is sent again after 1, 2 and 4 seconds: what takes longer than this has failed.
my $patience = 6;
my $bind_no_port = 24;
my $started = time;
my ($mode, @args) = @ARGV;
$SIG{PIPE} = 'IGNORE';
$| = 1;

sub ready {
    my ($read, $write, $timeout) = @_;
    my ($r, $w) = ('', '');
    vec($r, $_, 1) = 1 for @$read;
    vec($w, $_, 1) = 1 for @$write;
    return if select($r, $w, undef, $timeout) < 1;
    return ([grep { vec($r, $_, 1) } @$read], [grep { vec($w, $_, 1) } @$write]);
}

sub listener {
    socket(my $listener, PF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0) or die "socket: $!";
    setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1);
    setsockopt($listener, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    bind($listener, pack_sockaddr_in6(80, Socket::IN6ADDR_ANY)) or die "bind: $!";
    listen($listener, 4096) or die "listen: $!";
    return $listener;
}

sub greet {
    my $listener = listener();
    while (1) {
        ready([fileno $listener], [], 1);
        while (accept(my $client, $listener)) { }
    }
}

sub serve {
    my $listener = listener();
    my $door = fileno $listener;
    my %open = ($door => $listener);
    while (1) {
        my ($readable) = ready([keys %open], [], 1);
        for my $number (@{ $readable // [] }) {
            my $client = $open{$number};
            if ($number == $door) {
                while (accept(my $new, $listener)) { $open{ fileno $new } = $new }
                next;
            }
            my $got = sysread($client, my $request, 4096);
            my $stays = $got && $request =~ /^Connection: keep-alive/m;
            syswrite($client, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n") if $got;
            delete $open{$number} unless $stays;
        }
    }
}

my @targets;
my $turn = 0;

sub target {
    my ($server, $client) = split /,/, $_[0];
    my $six  = $server =~ /:/;
    my $pack = sub {
        my ($port, $address) = @_;
        return $six
          ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $address))
          : pack_sockaddr_in($port, inet_pton(AF_INET, $address));
    };
    return { domain => $six ? PF_INET6 : PF_INET, to => $pack->(80, $server), from => $pack->(0, $client) };
}

my %total = (requests => 0, failed => 0, slowest => 0);
my (%connecting, %asking, %idle);

sub begin {
    my ($stays) = @_;
    my $target = $targets[ $turn++ % @targets ];
    socket(my $socket, $target->{domain}, SOCK_STREAM | SOCK_NONBLOCK, 0) or die "socket: $!";
    # The port is then chosen for the whole connection, not once for the address.
    setsockopt($socket, IPPROTO_IP, $bind_no_port, 1);
    bind($socket, $target->{from}) or die "bind: $!";
    my $one = { socket => $socket, stays => $stays, since => time };
    $total{requests}++;
    if (!connect($socket, $target->{to}) && $! != EINPROGRESS) { $total{failed}++ }
    # Within one kernel the answer is often there before connect comes back.
    elsif (!ask($one)) { $connecting{ fileno $socket } = $one }
}

sub ask {
    my ($one) = @_;
    my $card = $one->{stays} ? 'keep-alive' : 'close';
    syswrite($one->{socket}, "GET / HTTP/1.1\r\nHost: lab\r\nConnection: $card\r\n\r\n") or return 0;
    $asking{ fileno $one->{socket} } = $one;
    return 1;
}

sub ask_again {
    my ($one) = @_;
    delete $idle{ fileno $one->{socket} };
    $one->{since} = time;
    $total{requests}++;
    $total{failed}++ unless ask($one);
}

sub end {
    my ($one) = @_;
    my $took = time - $one->{since};
    $total{slowest} = $took if $took > $total{slowest};
    my $got = sysread($one->{socket}, my $answer, 4096);
    my $good = $got && $answer =~ m{^HTTP/1.1 200 .*ok\n$}s;
    $total{failed}++ unless $good;
    $idle{ fileno $one->{socket} } = $one if $good && $one->{stays};
}

# One round of waiting; whoever has waited too long has failed.
sub turn {
    my ($timeout) = @_;
    my ($readable, $writable) = ready([keys %asking], [keys %connecting], $timeout);
    for my $number (@{ $writable // [] }) {
        my $one = delete $connecting{$number};
        $total{failed}++ unless ask($one);
    }
    end(delete $asking{$_}) for @{ $readable // [] };
    my $late = time - $patience;
    for my $waiting (\%connecting, \%asking) {
        for my $number (grep { $waiting->{$_}{since} < $late } keys %$waiting) {
            delete $waiting->{$number};
            $total{failed}++;
        }
    }
}

sub report {
    printf qq({"requests":%d,"failed":%d,"slowest":%.2f,"seconds":%.1f}\n), @total{qw(requests failed slowest)}, time - $started;
}

# Within one kernel a handshake is over when connect comes back, so nobody has to wait for anybody.
sub burst {
    (my $count, @targets) = ($_[0], map { target($_) } @_[1 .. $#_]);
    for (1 .. $count) {
        my $target = $targets[ $turn++ % @targets ];
        my $since = time;
        socket(my $socket, $target->{domain}, SOCK_STREAM, 0) or die "socket: $!";
        setsockopt($socket, SOL_SOCKET, SO_SNDTIMEO, pack('qq', $patience, 0));
        setsockopt($socket, IPPROTO_IP, $bind_no_port, 1);
        bind($socket, $target->{from}) or die "bind: $!";
        $total{requests}++;
        connect($socket, $target->{to}) or $total{failed}++;
        my $took = time - $since;
        $total{slowest} = $took if $took > $total{slowest};
    }
    report();
}

sub flow {
    my ($rate, $kept);
    ($rate, $kept, @targets) = ($_[0], $_[1], map { target($_) } @_[2 .. $#_]);
    my ($goes_on, $owed, $last) = (1, 0, time);
    $SIG{TERM} = sub { $goes_on = 0 };
    while ($goes_on || %connecting || %asking) {
        my $now = time;
        # A machine that stood still for a while does not make up for it all at once.
        $owed = $owed + $rate * ($now - $last);
        $owed = $rate if $owed > $rate;
        $last = $now;
        if ($goes_on) {
            for (; $owed >= 1; $owed--) { begin(0) }
            my $missing = $kept - grep { $_->{stays} } values %connecting, values %asking, values %idle;
            begin(1) for 1 .. $missing;
            ask_again($_) for grep { $_->{since} < $now - 0.5 } values %idle;
        }
        turn(0.02);
    }
    report();
}

my %modes = (serve => \&serve, greet => \&greet, burst => \&burst, flow => \&flow);
($modes{ $mode // '' } or die "serve, greet, burst or flow\n")->(@args);
