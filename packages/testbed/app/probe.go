package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What came of all probes of one target.
type outcome struct {
	Target string `json:"target"`
	Sent   int    `json:"sent"`
	// Probes that were answered in time.
	Answered int `json:"answered"`
	// Of the answered ones; absent when there are none.
	MedianMs *float64 `json:"medianMs,omitempty"`
	// The fastest of them: what a busy machine adds to some answers is not in it.
	LeastMs *float64 `json:"leastMs,omitempty"`
	// The last error.
	Error string `json:"error,omitempty"`
}

// probe asks every target a few times, all targets at once, and prints one line of JSON for each. A target is an http:// URL,
// or udp://HOST:PORT where an echo server listens.
func probe(args []string) error {
	flags := flag.NewFlagSet("probe", flag.ExitOnError)
	count := flags.Int("count", 5, "probes of each target")
	timeout := flags.Duration("timeout", time.Second, "longest wait for one answer")
	flags.Parse(args)
	if flags.NArg() == 0 {
		return fmt.Errorf("probe needs targets")
	}
	outcomes := make([]outcome, flags.NArg())
	var all sync.WaitGroup
	for i, target := range flags.Args() {
		all.Add(1)
		go func(i int, target string) {
			defer all.Done()
			if address, isUDP := strings.CutPrefix(target, "udp://"); isUDP {
				outcomes[i] = probeUDP(address, *count, *timeout)
			} else {
				outcomes[i] = probeHTTP(target, *count, *timeout)
			}
			outcomes[i].Target = target
		}(i, target)
	}
	all.Wait()
	out := json.NewEncoder(os.Stdout)
	for _, o := range outcomes {
		out.Encode(o)
	}
	return nil
}

// One connection for all requests of a target, so that a delay of one direction is felt once a request.
func probeHTTP(url string, count int, timeout time.Duration) outcome {
	client := &http.Client{Timeout: timeout, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	o := outcome{Sent: count}
	var took []float64
	get := func() (float64, error) {
		start := time.Now()
		response, err := client.Get(url)
		if err != nil {
			return 0, err
		}
		defer response.Body.Close()
		_, err = io.Copy(io.Discard, response.Body)
		return float64(time.Since(start).Microseconds()) / 1000, err
	}
	// The connection, and the first question to DNS, are not measured.
	get()
	for i := 0; i < count; i++ {
		ms, err := get()
		if err != nil {
			o.Error = err.Error()
			continue
		}
		took = append(took, ms)
	}
	return o.with(took)
}

func probeUDP(address string, count int, timeout time.Duration) outcome {
	o := outcome{Sent: count}
	socket, err := net.Dial("udp", address)
	if err != nil {
		o.Error = err.Error()
		return o
	}
	defer socket.Close()
	begin := time.Now()
	go func() {
		for i := 0; i < count; i++ {
			// The answer brings back when its question was sent.
			socket.Write([]byte(fmt.Sprintf("%d", time.Since(begin).Microseconds())))
			time.Sleep(200 * time.Microsecond)
		}
	}()
	var took []float64
	buffer := make([]byte, 64)
	for len(took) < count {
		socket.SetReadDeadline(time.Now().Add(timeout))
		n, err := socket.Read(buffer)
		if err, isNet := err.(net.Error); isNet && err.Timeout() {
			break
		}
		if asked, err := strconv.ParseInt(string(buffer[:n]), 10, 64); err == nil {
			took = append(took, float64(time.Since(begin).Microseconds()-asked)/1000)
		}
	}
	return o.with(took)
}

func (o outcome) with(took []float64) outcome {
	o.Answered = len(took)
	if len(took) > 0 {
		sort.Float64s(took)
		o.MedianMs = &took[len(took)/2]
		o.LeastMs = &took[0]
	}
	return o
}
