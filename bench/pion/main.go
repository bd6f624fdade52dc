// Command pion measures Pion's STUN library over the line protocol of bench/README.md.
//
// It is built against Debian's golang-github-pion-stun-dev, without modules: see ../pion.js.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pion/stun"
)

// The inputs of ../inputs.js; the driver's proof fails when they differ.
const (
	bindingSuccessHex = "0101002c2112a4426d1e0b5f92c84a7733d0ae19" +
		"002000080001f523ea12d56f" +
		"80220014436f7475726e2d342e362e312027476f72737427" +
		"8028000411064ad4"
	rfc5769RequestHex = "000100582112a442b7e7a701bc34d686fa87dfae" +
		"802200105354554e207465737420636c69656e74" +
		"002400046e0001ff" +
		"80290008932ff9b151263b36" +
		"000600096576746a3a68367659202020" +
		"000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2" +
		"80280004e57a3bcf"
	rfc5769Password  = "VOkJxbRl1RmTxUk/WvJxBt"
	clientSoftware   = "STUN test client"
	allocateUsername = "1893456000:alice"
	allocateRealm    = "turn.example.org"
	allocateNonce    = "f//499k954d6OL34oL9FSTvy64sA"
	allocatePassword = "correct horse battery staple"
)

// How often the clock is read; reading it costs nothing then.
const clockInterval = 2 * time.Millisecond

// bench is one operation on the message in; for encodes, in is not used and out is the message.
type bench struct {
	note  string
	input string
	// op does the work once. It reports whether the result was right for the fixed input.
	op func(in []byte) bool
	// last is what the last op produced, in the form that `once` answers.
	last func(ok bool) interface{}
}

type mapped struct {
	Address string `json:"address"`
	Port    int    `json:"port"`
}

// Pion's messages are made for reuse: neither decoding nor encoding allocates after the first.
func benches() map[string]bench {
	const freshNote = "ids from buffered crypto/rand: its own setter makes a system call for each"

	decoded := stun.New()
	var address stun.XORMappedAddress
	verifyKey := stun.NewShortTermIntegrity(rfc5769Password)

	encoded := stun.New()
	freshID := &bufferedID{bufio.NewReaderSize(rand.Reader, 4096)}
	software := stun.NewSoftware(clientSoftware)
	allocateType := stun.NewType(stun.MethodAllocate, stun.ClassRequest)
	username := stun.NewUsername(allocateUsername)
	realm := stun.NewRealm(allocateRealm)
	nonce := stun.NewNonce(allocateNonce)
	transport := stun.RawAttribute{
		Type:  stun.AttrRequestedTransport,
		Value: []byte{17, 0, 0, 0}, // UDP
	}
	allocateKey := stun.NewLongTermIntegrity(allocateUsername, allocateRealm, allocatePassword)
	encodedMessage := func(bool) interface{} { return hex.EncodeToString(encoded.Raw) }

	return map[string]bench{
		"decode-binding": {
			note:  "the address is read as bytes, not as text",
			input: bindingSuccessHex,
			op: func(in []byte) bool {
				if stun.Decode(in, decoded) != nil || stun.Fingerprint.Check(decoded) != nil {
					return false
				}
				return address.GetFrom(decoded) == nil && address.Port != 0
			},
			last: func(ok bool) interface{} {
				if !ok {
					return nil
				}
				return mapped{address.IP.String(), address.Port}
			},
		},
		"decode-verify": {
			note:  "its HMAC state cannot be prepared",
			input: rfc5769RequestHex,
			op: func(in []byte) bool {
				return stun.Decode(in, decoded) == nil &&
					stun.Fingerprint.Check(decoded) == nil &&
					verifyKey.Check(decoded) == nil
			},
			last: func(ok bool) interface{} { return ok },
		},
		"encode-binding": {
			note: freshNote,
			op: func([]byte) bool {
				return encoded.Build(freshID, &stun.BindingRequest,
					&software, stun.Fingerprint) == nil
			},
			last: encodedMessage,
		},
		"encode-allocate-auth": {
			note: "its HMAC state cannot be prepared; " + freshNote,
			op: func([]byte) bool {
				return encoded.Build(freshID, &allocateType,
					&username, &realm, &nonce, &transport, &allocateKey, stun.Fingerprint) == nil
			},
			last: encodedMessage,
		},
	}
}

// bufferedID sets fresh transaction ids as stun.TransactionID does, without its system call each time.
type bufferedID struct{ random *bufio.Reader }

func (id bufferedID) AddTo(m *stun.Message) error {
	if _, err := io.ReadFull(id.random, m.TransactionID[:]); err != nil {
		return err
	}
	m.WriteTransactionID()
	return nil
}

type answer map[string]interface{}

// run repeats the operation for at least ms milliseconds.
func run(b bench, ms int) (answer, error) {
	in, err := hex.DecodeString(b.input)
	if err != nil {
		return nil, err
	}
	atLeast := time.Duration(ms) * time.Millisecond
	ops, chunk := 0, 1
	start := time.Now()
	for {
		for i := 0; i < chunk; i++ {
			if !b.op(in) {
				return nil, errors.New("a result was wrong while timing")
			}
		}
		ops += chunk
		elapsed := time.Since(start)
		if elapsed >= atLeast {
			return answer{"ns_per_op": float64(elapsed.Nanoseconds()) / float64(ops), "ops": ops}, nil
		}
		if elapsed < clockInterval {
			chunk *= 2
		}
	}
}

func reply(all map[string]bench, line string) (answer, error) {
	words := append(strings.Fields(line), "", "", "")
	b, found := all[words[1]]
	if !found {
		return nil, errors.New("no such bench")
	}
	switch words[0] {
	case "once":
		in, err := hex.DecodeString(words[2])
		if err != nil {
			return nil, err
		}
		return answer{"results": []interface{}{b.last(b.op(in))}}, nil
	case "run":
		ms, err := strconv.Atoi(words[2])
		if err != nil {
			return nil, err
		}
		return run(b, ms)
	}
	return nil, errors.New("no such command")
}

func main() {
	out := json.NewEncoder(os.Stdout)
	write := func(a answer) {
		if err := out.Encode(a); err != nil {
			os.Exit(1)
		}
	}

	all := benches()
	notes := map[string]string{}
	for name, b := range all {
		notes[name] = b.note
	}
	version := ""
	if len(os.Args) > 1 {
		version = os.Args[1]
	}
	write(answer{"impl": "pion", "version": version, "benches": notes})

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		result, err := reply(all, lines.Text())
		if err != nil {
			result = answer{"error": err.Error()}
		}
		if words := strings.Fields(lines.Text()); len(words) > 1 {
			result["bench"] = words[1]
		}
		write(result)
	}
}
