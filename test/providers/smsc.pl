#!/usr/bin/perl
# An SMS centre by Net::SMPP (Debian: libnet-smpp-perl), for tests. Says on stdout, a JSON object a line, where it listens
# and what it hears. A bind with another password than "right" fails; a number says what becomes of its message:
# ...666 is no number, ...777 is throttled.
use strict;
use warnings;
use IO::Socket::INET;
use JSON::PP;
use Net::SMPP;

$| = 1;
$SIG{CHLD} = 'IGNORE';
my $json = JSON::PP->new->canonical->latin1;
my $listen = Net::SMPP->new_listen('127.0.0.1', port => 0, listen => 16, timeout => undef) or die "cannot listen: $!";
print $json->encode({ port => $listen->sockport }), "\n";

while (1) {
    my $session = $listen->accept or next;
    next if fork;
    close $listen;
    serve($session);
    exit;
}

sub serve {
    my ($session) = @_;
    $session->set_version(0x34);
    while (my $pdu = $session->read_pdu) {
        my $seq = $pdu->{seq};
        if ($pdu->{cmd} == Net::SMPP::CMD_bind_transceiver) {
            my $status = $pdu->{password} eq 'right' ? 0 : 0x0e;
            say_heard(bind => $pdu, qw(system_id system_type interface_version));
            $session->bind_transceiver_resp(system_id => 'perl', seq => $seq, status => $status);
        } elsif ($pdu->{cmd} == Net::SMPP::CMD_submit_sm) {
            my $to = $pdu->{destination_addr};
            my $status = $to =~ /666$/ ? 0x0b : $to =~ /777$/ ? 0x58 : 0;
            say_heard(submit => $pdu, qw(source_addr source_addr_ton source_addr_npi destination_addr dest_addr_ton
                dest_addr_npi esm_class data_coding));
            $session->submit_sm_resp(message_id => 'perl-1', seq => $seq, status => $status);
        } elsif ($pdu->{cmd} == Net::SMPP::CMD_unbind) {
            say_heard(unbind => $pdu);
            $session->unbind_resp(seq => $seq);
            return;
        }
    }
}

sub say_heard {
    my ($what, $pdu, @fields) = @_;
    my %said = (heard => $what, map { ($_ => $pdu->{$_}) } @fields);
    $said{message} = unpack 'H*', $pdu->{short_message} if defined $pdu->{short_message};
    print $json->encode(\%said), "\n";
}
