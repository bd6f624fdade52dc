// Command pion-client allocates two relays with Pion's TURN client, and sends datagrams from one to the other and back:
// see ../pion-client.js.
//
// It is built against Debian's golang-github-pion-turn.v2-dev, without modules. WriteTo asks for a permission, sends
// Send indications while a ChannelBind is under way, and ChannelData from then on; so many messages see all of them.
package main

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/pion/turn/v2"
)

// Far longer than it takes on loopback.
const patience = 20 * time.Second

type options struct {
	server, transport, user, password, realm string
	count, size                              int
}

// result is what is printed.
type result struct {
	Mapped  string   `json:"mapped"`
	Relayed []string `json:"relayed"`
	There   int      `json:"there"`
	Back    int      `json:"back"`
}

func (o *options) connect() (net.PacketConn, error) {
	switch o.transport {
	case "udp":
		return net.ListenPacket("udp4", "127.0.0.1:0")
	case "tcp":
		conn, err := net.Dial("tcp4", o.server)
		if err != nil {
			return nil, err
		}
		return turn.NewSTUNConn(conn), nil
	case "tls":
		// Whether the certificate is good is no concern of this test.
		conn, err := tls.Dial("tcp4", o.server, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return nil, err
		}
		return turn.NewSTUNConn(conn), nil
	}
	return nil, errors.New("-transport must be udp, tcp or tls")
}

func (o *options) allocate() (*turn.Client, net.PacketConn, error) {
	conn, err := o.connect()
	if err != nil {
		return nil, nil, err
	}
	client, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: o.server,
		TURNServerAddr: o.server,
		Conn:           conn,
		Username:       o.user,
		Password:       o.password,
		Realm:          o.realm,
	})
	if err != nil {
		return nil, nil, err
	}
	if err := client.Listen(); err != nil {
		return nil, nil, err
	}
	relay, err := client.Allocate()
	if err != nil {
		return nil, nil, fmt.Errorf("allocate: %w", err)
	}
	return client, relay, nil
}

// exchange sends one datagram at a time from one relay to the other, and returns how many came as they were.
func (o *options) exchange(from, to net.PacketConn) (int, error) {
	out, in := make([]byte, o.size), make([]byte, o.size+1)
	for i := range out {
		out[i] = byte(i * 7)
	}
	if err := to.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	for number := 0; number < o.count; number++ {
		binary.BigEndian.PutUint32(out, uint32(number))
		if _, err := from.WriteTo(out, to.LocalAddr()); err != nil {
			return number, fmt.Errorf("write: %w", err)
		}
		n, source, err := to.ReadFrom(in)
		if err != nil {
			return number, fmt.Errorf("read: %w", err)
		}
		if !bytes.Equal(in[:n], out) || source.String() != from.LocalAddr().String() {
			return number, fmt.Errorf("datagram %d is not as it was, or from %s", number, source)
		}
	}
	return o.count, nil
}

func (o *options) run() (*result, error) {
	firstClient, first, err := o.allocate()
	if err != nil {
		return nil, err
	}
	defer firstClient.Close()
	secondClient, second, err := o.allocate()
	if err != nil {
		return nil, err
	}
	defer secondClient.Close()
	mapped, err := firstClient.SendBindingRequest()
	if err != nil {
		return nil, fmt.Errorf("binding: %w", err)
	}
	// Each lets the other in before the first datagram.
	for client, peer := range map[*turn.Client]net.Addr{
		firstClient: second.LocalAddr(), secondClient: first.LocalAddr(),
	} {
		if err := client.CreatePermission(peer); err != nil {
			return nil, fmt.Errorf("permission: %w", err)
		}
	}
	r := &result{
		Mapped:  mapped.String(),
		Relayed: []string{first.LocalAddr().String(), second.LocalAddr().String()},
	}
	if r.There, err = o.exchange(first, second); err != nil {
		return nil, err
	}
	if r.Back, err = o.exchange(second, first); err != nil {
		return nil, err
	}
	// Gives the allocations back.
	if err := first.Close(); err != nil {
		return nil, err
	}
	return r, second.Close()
}

func main() {
	var o options
	flag.StringVar(&o.server, "server", "", "address:port")
	flag.StringVar(&o.transport, "transport", "udp", "udp, tcp or tls")
	flag.StringVar(&o.user, "user", "", "user name")
	flag.StringVar(&o.password, "password", "", "password")
	flag.StringVar(&o.realm, "realm", "", "realm")
	flag.IntVar(&o.count, "count", 100, "datagrams each way")
	flag.IntVar(&o.size, "size", 1000, "bytes of each, at least 4")
	flag.Parse()

	r, err := o.run()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pion-client:", err)
		os.Exit(1)
	}
}
