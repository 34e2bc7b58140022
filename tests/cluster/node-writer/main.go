// Command node-writer gives nodes another status where the API server keeps them, in etcd. A request to the API server costs
// it ten times as much, and whoever watches nodes gets the same from both: the API server too learns of its own writes from
// etcd. Nothing checks what is written.
//
//	node-writer HOST:PORT    of etcd
//
// Input: for each update the name of a node and its status as protobuf, each after its length in four bytes, the highest
// first. All else in the node is kept byte by byte. Output: one byte after each update that etcd has taken, in any order. It
// ends with the input, and with an error when etcd refuses something or holds no such node.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	etcd "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// Updates that can be under way at the same time.
	underWay = 16
	// Where Kubernetes keeps nodes.
	folder = "/registry/minions/"
	// What it writes before the message that says the kind of an object.
	magic = "k8s\x00"
	// The object in that message, and the status in a node.
	objectField, statusField = 2, 3
	patience                 = 30 * time.Second
)

// A stored node but its status: what comes before the object, and the object.
type stored struct{ kind, object []byte }

type writer struct {
	client *etcd.Client
	mutex  sync.Mutex
	known  map[string]stored
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "node-writer:", err)
	os.Exit(1)
}

func run(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("usage: node-writer HOST:PORT")
	}
	client, err := etcd.New(etcd.Config{Endpoints: []string{"http://" + arguments[0]}, DialTimeout: patience})
	if err != nil {
		return err
	}
	defer client.Close()
	w := writer{client: client, known: map[string]stored{}}
	input, slots := bufio.NewReaderSize(os.Stdin, 1<<18), make(chan struct{}, underWay)
	for {
		name, err := frame(input)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		status, err := frame(input)
		if err != nil {
			return fmt.Errorf("the status of %s: %w", name, err)
		}
		slots <- struct{}{}
		go func() {
			if err := w.write(string(name), status); err != nil {
				fail(fmt.Errorf("%s: %w", name, err))
			}
			if _, err := os.Stdout.Write([]byte{'.'}); err != nil {
				fail(err)
			}
			<-slots
		}()
	}
	for range underWay {
		slots <- struct{}{}
	}
	return nil
}

// One piece of the input; io.EOF where it ends before the piece begins.
func frame(input io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(input, length[:]); err != nil {
		return nil, err
	}
	bytes := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err := io.ReadFull(input, bytes); err != nil {
		return nil, fmt.Errorf("the input ends amid %d bytes: %w", len(bytes), io.ErrUnexpectedEOF)
	}
	return bytes, nil
}

func (w *writer) write(name string, status []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w.mutex.Lock()
	node, known := w.known[name]
	w.mutex.Unlock()
	if !known {
		answer, err := w.client.Get(ctx, folder+name)
		if err != nil {
			return err
		}
		if len(answer.Kvs) != 1 {
			return errors.New("etcd holds no such node")
		}
		if node, err = split(answer.Kvs[0].Value); err != nil {
			return err
		}
		w.mutex.Lock()
		w.known[name] = node
		w.mutex.Unlock()
	}
	object := append([]byte{}, node.object...)
	object = protowire.AppendBytes(protowire.AppendTag(object, statusField, protowire.BytesType), status)
	whole := append([]byte(magic), node.kind...)
	whole = protowire.AppendBytes(protowire.AppendTag(whole, objectField, protowire.BytesType), object)
	_, err := w.client.Put(ctx, folder+name, string(whole))
	return err
}

func split(value []byte) (stored, error) {
	if len(value) < len(magic) || string(value[:len(magic)]) != magic {
		return stored{}, errors.New("it is not stored as protobuf")
	}
	kind, object, err := without(value[len(magic):], objectField)
	if err != nil {
		return stored{}, err
	}
	rest, _, err := without(object, statusField)
	return stored{kind, rest}, err
}

// A message without one of its fields, and what that field holds.
func without(message []byte, field protowire.Number) (rest, value []byte, err error) {
	for len(message) > 0 {
		number, kind, head := protowire.ConsumeTag(message)
		if head < 0 {
			return nil, nil, protowire.ParseError(head)
		}
		length := protowire.ConsumeFieldValue(number, kind, message[head:])
		if length < 0 {
			return nil, nil, protowire.ParseError(length)
		}
		if number == field && kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(message[head:])
		} else {
			rest = append(rest, message[:head+length]...)
		}
		message = message[head+length:]
	}
	return rest, value, nil
}
