// A small HTTP server, a relay, and a client that asks it on kept connections, one request after the other on each, and prints how long they took.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"net/http"
	"os"
	"sort"
	"strings"
	"sync"
	"time"
)

type result struct {
	Requests int     `json:"requests"`
	Errors   int     `json:"errors"`
	P50us    float64 `json:"p50us"`
	P99us    float64 `json:"p99us"`
	PerS     float64 `json:"perS"`
}

func main() {
	serve := flag.String("serve", "", "serve bodies of 1 kB at this address")
	connections := flag.Int("connections", 1, "how many connections")
	duration := flag.Duration("duration", 3*time.Second, "for how long, after half a second that does not count")
	from := flag.String("relay", "", "pass on what comes to this address to the one behind the options")
	flag.Parse()
	if *from != "" {
		log.Fatal(relay(*from, flag.Arg(0)))
	}
	if *serve != "" {
		body := strings.Repeat("x", 1000)
		log.Fatal(http.ListenAndServe(*serve, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, body)
		})))
	}
	json.NewEncoder(os.Stdout).Encode(measure(flag.Arg(0), *connections, *duration))
}

func measure(url string, connections int, duration time.Duration) result {
	begin := time.Now().Add(500 * time.Millisecond)
	end := begin.Add(duration)
	var all []float64
	var errors int
	var lock sync.Mutex
	var group sync.WaitGroup
	for i := 0; i < connections; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			times, failed := ask(url, begin, end)
			lock.Lock()
			defer lock.Unlock()
			all = append(all, times...)
			errors += failed
		}()
	}
	group.Wait()
	sort.Float64s(all)
	at := func(share float64) float64 {
		if len(all) == 0 {
			return 0
		}
		return all[int(share*float64(len(all)-1))]
	}
	return result{len(all), errors, at(0.5), at(0.99), float64(len(all)) / duration.Seconds()}
}

func ask(url string, begin, end time.Time) (times []float64, failed int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: 5 * time.Second}
	for time.Now().Before(end) {
		started := time.Now()
		response, err := client.Get(url)
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		if started.Before(begin) {
			continue
		}
		if err != nil || response.StatusCode != 200 {
			failed++
			continue
		}
		times = append(times, float64(time.Since(started).Nanoseconds())/1000)
	}
	return
}
