// Command pion-server is a TURN server made of Pion's library, for the tests: see ../pion.js.
//
// It is built against Debian's golang-github-pion-turn.v2-dev, without modules. Relays are IPv4 only, which is
// the library's limit, and every peer is allowed.
package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"log"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pion/turn/v2"
)

// values is a flag that may be repeated.
type values []string

func (v *values) String() string { return strings.Join(*v, ",") }

func (v *values) Set(value string) error {
	*v = append(*v, value)
	return nil
}

type options struct {
	hosts, users    values
	port, tlsPort   int
	cert, key       string
	realm, secret   string
	relay           string
	channelLifetime time.Duration
}

// authHandler takes the named users, or, with a secret, what Pion itself takes as short-lived
// credentials: the bare time of expiry as the user name.
func (o *options) authHandler() (turn.AuthHandler, error) {
	if o.secret != "" {
		return turn.NewLongTermAuthHandler(o.secret, nil), nil
	}
	keys := map[string][]byte{}
	for _, user := range o.users {
		at := strings.IndexByte(user, ':') // a password may have colons
		if at < 0 {
			return nil, errors.New("-user must be NAME:PASSWORD")
		}
		keys[user[:at]] = turn.GenerateAuthKey(user[:at], o.realm, user[at+1:])
	}
	return func(name, _ string, _ net.Addr) ([]byte, bool) {
		key, found := keys[name]
		return key, found
	}, nil
}

// config opens the sockets.
func (o *options) config() (turn.ServerConfig, error) {
	config := turn.ServerConfig{Realm: o.realm, ChannelBindTimeout: o.channelLifetime}
	var err error
	if config.AuthHandler, err = o.authHandler(); err != nil {
		return config, err
	}
	relays := &turn.RelayAddressGeneratorStatic{
		RelayAddress: net.ParseIP(o.relay),
		Address:      o.relay,
	}
	listen := func(listener net.Listener) {
		config.ListenerConfigs = append(config.ListenerConfigs,
			turn.ListenerConfig{Listener: listener, RelayAddressGenerator: relays})
	}
	for _, host := range o.hosts {
		address := net.JoinHostPort(host, strconv.Itoa(o.port))
		udp, err := net.ListenPacket("udp", address)
		if err != nil {
			return config, err
		}
		config.PacketConnConfigs = append(config.PacketConnConfigs,
			turn.PacketConnConfig{PacketConn: udp, RelayAddressGenerator: relays})
		tcp, err := net.Listen("tcp", address)
		if err != nil {
			return config, err
		}
		listen(tcp)
		if o.cert == "" {
			continue
		}
		certificate, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return config, err
		}
		secure, err := tls.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(o.tlsPort)),
			&tls.Config{
				MinVersion:   tls.VersionTLS12,
				Certificates: []tls.Certificate{certificate},
			})
		if err != nil {
			return config, err
		}
		listen(secure)
	}
	return config, nil
}

func main() {
	var o options
	flag.Var(&o.hosts, "host", "address to listen on; may be repeated")
	flag.Var(&o.users, "user", "NAME:PASSWORD; may be repeated")
	flag.IntVar(&o.port, "port", 3478, "port for UDP and TCP")
	flag.IntVar(&o.tlsPort, "tls-port", 5349, "port for TLS")
	flag.StringVar(&o.cert, "cert", "", "certificate file; no TLS without it")
	flag.StringVar(&o.key, "key", "", "key file of the certificate")
	flag.StringVar(&o.realm, "realm", "example.org", "realm")
	flag.StringVar(&o.secret, "secret", "", "secret of short-lived credentials, instead of users")
	flag.StringVar(&o.relay, "relay", "127.0.0.1", "IPv4 address to relay from")
	flag.DurationVar(&o.channelLifetime, "channel-lifetime", 10*time.Minute, "life of a channel")
	flag.Parse()

	config, err := o.config()
	if err != nil {
		log.Fatal(err)
	}
	server, err := turn.NewServer(config)
	if err != nil {
		log.Fatal(err)
	}
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGINT, syscall.SIGTERM)
	<-ends
	if err := server.Close(); err != nil {
		log.Fatal(err)
	}
}
