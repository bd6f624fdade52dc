// Command turn-echo measures Pion's TURN client: messages to an echo peer through a relay and back. How it is driven
// is in ../../echo-client.js.
//
// It is built against Debian's golang-github-pion-turn.v2-dev, without modules: see ../../pion.js.
//
// What is sent:
//
//   - mode channel: WriteTo of the relayed connection. It permits the peer, sends Send indications while a
//     ChannelBind of its own is under way, and ChannelData from then on. The warm-up goes on until the first
//     ChannelData has been seen, so that all that is measured is ChannelData.
//   - mode send: WriteTo cannot be kept from binding a channel, so Pion's own path cannot be had. The indication
//     is put together here by the same calls as WriteTo's, and sent by the client to its server; the permission
//     is asked for by the client, and what comes back as a Data indication is the library's to read.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"sort"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pion/stun"
	"github.com/pion/turn/v2"
)

const (
	// A message that has not come back for so long never will.
	lostAfter = 2 * time.Second
	// How long the warm-up may wait for the channel.
	channelPatience = 10 * time.Second
	// A message begins with its number.
	numberSize     = 4
	warmUpInFlight = 32
	// The first byte of ChannelData (RFC 8656 section 12): 0x40 to 0x4f.
	firstChannelByte, lastChannelByte = 0x40, 0x4f
)

type options struct {
	version, server, user, password, realm string
	peer, mode                             string
	payload, warmUp                        int
}

type result struct {
	Impl                string  `json:"impl"`
	Version             string  `json:"version"`
	Mode                string  `json:"mode"`
	Payload             int     `json:"payload"`
	InFlight            int     `json:"in_flight"`
	RoundTrips          int     `json:"round_trips"`
	Lost                int     `json:"lost"`
	RoundTripsPerSecond float64 `json:"round_trips_per_second"`
	P50                 float64 `json:"p50_us"`
	P99                 float64 `json:"p99_us"`
	CPU                 float64 `json:"cpu_us_per_round_trip"`
	User                float64 `json:"user_us_per_round_trip"`
	System              float64 `json:"system_us_per_round_trip"`
}

// watchedConn counts what is sent as ChannelData, and as anything else.
type watchedConn struct {
	net.PacketConn
	channelData, others int64
}

func (c *watchedConn) WriteTo(p []byte, to net.Addr) (int, error) {
	if len(p) > 0 && p[0] >= firstChannelByte && p[0] <= lastChannelByte {
		atomic.AddInt64(&c.channelData, 1)
	} else {
		atomic.AddInt64(&c.others, 1)
	}
	return c.PacketConn.WriteTo(p, to)
}

type echo struct {
	relay net.PacketConn
	send  func(message []byte) error
	// The buffers are the caller's; the library copies what it keeps.
	out, in []byte
	sentAt  []time.Time
}

// run sends count messages, at most inFlight of them unanswered, and returns the times of those that came back.
func (e *echo) run(count, inFlight int) (rtts []time.Duration, lost int, err error) {
	e.sentAt = make([]time.Time, count)
	rtts = make([]time.Duration, 0, count)
	sent, flying := 0, 0
	var deadline time.Time
	for len(rtts)+lost < count {
		for flying < inFlight && sent < count {
			binary.BigEndian.PutUint32(e.out, uint32(sent))
			e.sentAt[sent] = time.Now()
			if err := e.send(e.out); err != nil {
				return nil, 0, err
			}
			sent++
			flying++
		}
		// Setting a deadline sets a timer: not for each message.
		if now := time.Now(); now.Add(lostAfter / 2).After(deadline) {
			deadline = now.Add(lostAfter)
			if err := e.relay.SetReadDeadline(deadline); err != nil {
				return nil, 0, err
			}
		}
		n, _, err := e.relay.ReadFrom(e.in)
		if err != nil {
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				return nil, 0, err
			}
			if time.Now().Before(deadline) {
				continue // of a deadline before, which the library does not take back
			}
			lost += flying
			flying = 0
			deadline = time.Time{}
			for i := range e.sentAt[:sent] {
				e.sentAt[i] = time.Time{} // too late from now on
			}
			continue
		}
		if n != len(e.out) {
			return nil, 0, fmt.Errorf("%d bytes came back of %d", n, len(e.out))
		}
		number := int(binary.BigEndian.Uint32(e.in))
		if number >= sent || e.sentAt[number].IsZero() {
			continue // given up, or of the run before
		}
		rtts = append(rtts, time.Since(e.sentAt[number]))
		e.sentAt[number] = time.Time{}
		flying--
	}
	return rtts, lost, nil
}

// indications returns what sends a message in a Send indication, as the library does before it has a channel.
func indications(client *turn.Client, peer *net.UDPAddr) func(message []byte) error {
	to := xorPeerAddress{stun.XORMappedAddress{IP: peer.IP, Port: peer.Port}}
	kind := stun.NewType(stun.MethodSend, stun.ClassIndication)
	return func(message []byte) error {
		data := stun.RawAttribute{Type: stun.AttrData, Value: message}
		indication, err := stun.Build(stun.TransactionID, kind, data, to, stun.Fingerprint)
		if err != nil {
			return err
		}
		_, err = client.WriteTo(indication.Raw, client.TURNServerAddr())
		return err
	}
}

// xorPeerAddress is an attribute that the library has, too, and keeps to itself.
type xorPeerAddress struct{ stun.XORMappedAddress }

func (a xorPeerAddress) AddTo(m *stun.Message) error {
	return a.AddToAs(m, stun.AttrXORPeerAddress)
}

func cpu() (user, system time.Duration, err error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, 0, err
	}
	return time.Duration(usage.Utime.Nano()), time.Duration(usage.Stime.Nano()), nil
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// quantile takes the nearest rank of times that are sorted.
func quantile(sorted []time.Duration, q float64) float64 {
	return microseconds(sorted[int(q*float64(len(sorted)-1)+0.5)])
}

// serve measures each time that a line says so.
func serve(o options) error {
	peer, err := net.ResolveUDPAddr("udp", o.peer)
	if err != nil {
		return err
	}
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer socket.Close()
	watched := &watchedConn{PacketConn: socket}
	client, err := turn.NewClient(&turn.ClientConfig{
		TURNServerAddr: o.server,
		Conn:           watched,
		Username:       o.user,
		Password:       o.password,
		Realm:          o.realm,
	})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Listen(); err != nil {
		return err
	}
	relay, err := client.Allocate()
	if err != nil {
		return err
	}
	defer relay.Close()

	e := &echo{relay: relay, out: make([]byte, o.payload), in: make([]byte, 1<<16)}
	switch o.mode {
	case "channel":
		e.send = func(message []byte) error {
			_, err := relay.WriteTo(message, peer)
			return err
		}
		for start := time.Now(); atomic.LoadInt64(&watched.channelData) == 0; {
			if time.Since(start) > channelPatience {
				return errors.New("the channel does not come to be")
			}
			if _, _, err := e.run(1, 1); err != nil {
				return err
			}
		}
	case "send":
		if err := client.CreatePermission(peer); err != nil {
			return err
		}
		e.send = indications(client, peer)
	default:
		return errors.New("-mode must be channel or send")
	}
	if o.warmUp > 0 {
		if _, _, err := e.run(o.warmUp, warmUpInFlight); err != nil {
			return err
		}
	}
	answers := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var count, inFlight int
		if n, _ := fmt.Sscan(lines.Text(), &count, &inFlight); n != 2 || count < 1 || inFlight < 1 {
			return fmt.Errorf("'%s' is not COUNT IN_FLIGHT", lines.Text())
		}
		answer, err := measure(o, e, watched, count, inFlight)
		if err != nil {
			return err
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

func measure(o options, e *echo, watched *watchedConn, count, inFlight int) (*result, error) {
	channelData, others := atomic.LoadInt64(&watched.channelData), atomic.LoadInt64(&watched.others)
	user, system, err := cpu()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	rtts, lost, err := e.run(count, inFlight)
	if err != nil {
		return nil, err
	}
	elapsed := time.Since(start)
	userAfter, systemAfter, err := cpu()
	if err != nil {
		return nil, err
	}
	if len(rtts) == 0 {
		return nil, errors.New("nothing came back")
	}
	channelData = atomic.LoadInt64(&watched.channelData) - channelData
	others = atomic.LoadInt64(&watched.others) - others
	if expected := int64(count); o.mode == "channel" && channelData != expected ||
		o.mode == "send" && (channelData != 0 || others < expected) {
		return nil, fmt.Errorf("%d sent as ChannelData, %d otherwise", channelData, others)
	}

	sort.Slice(rtts, func(i, j int) bool { return rtts[i] < rtts[j] })
	each := func(d time.Duration) float64 { return microseconds(d) / float64(len(rtts)) }
	user, system = userAfter-user, systemAfter-system
	return &result{
		Impl: "pion", Version: o.version, Mode: o.mode, Payload: o.payload, InFlight: inFlight,
		RoundTrips:          len(rtts),
		Lost:                lost,
		RoundTripsPerSecond: float64(len(rtts)) / elapsed.Seconds(),
		P50:                 quantile(rtts, 0.5),
		P99:                 quantile(rtts, 0.99),
		CPU:                 each(user + system),
		User:                each(user),
		System:              each(system),
	}, nil
}

func main() {
	var o options
	flag.StringVar(&o.version, "version", "unknown", "of the library, to be printed")
	flag.StringVar(&o.server, "server", "127.0.0.1:3478", "TURN server, over UDP")
	flag.StringVar(&o.user, "user", "user", "user name")
	flag.StringVar(&o.password, "password", "", "password")
	flag.StringVar(&o.realm, "realm", "", "realm")
	flag.StringVar(&o.peer, "peer", "", "UDP echo peer, address:port")
	flag.StringVar(&o.mode, "mode", "channel", "channel or send")
	flag.IntVar(&o.payload, "payload", 100, "bytes of a message, at least 4")
	flag.IntVar(&o.warmUp, "warm-up", 1000, "messages before the clock starts")
	flag.Parse()

	fail := func(err error) {
		fmt.Fprintln(os.Stderr, "turn-echo:", err)
		os.Exit(1)
	}
	if o.payload < numberSize || o.warmUp < 0 {
		fail(errors.New("-payload must be at least 4, -warm-up at least 0"))
	}
	if err := serve(o); err != nil {
		fail(err)
	}
}
