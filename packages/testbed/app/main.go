// Command chaosplane-app is the program inside the test bed's pods: pause, server and caller in one.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	command := "pause"
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	var err error
	switch command {
	case "pause", "sleep":
		pause()
	case "serve":
		err = serve(os.Args[2:])
	case "call":
		err = call(os.Args[2:])
	case "udp-echo":
		err = udpEcho(os.Args[2:])
	case "health":
		err = health(os.Args[2:])
	case "probe":
		err = probe(os.Args[2:])
	default:
		err = fmt.Errorf("unknown command %q: use pause, sleep, serve, call, udp-echo, health or probe", command)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func pause() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for s := range signals {
		if s != syscall.SIGCHLD {
			return
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
}

func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	listen := flags.String("listen", ":8080", "address to listen on")
	flags.Parse(args)
	host, _ := os.Hostname()
	return http.ListenAndServe(*listen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s\n", host, r.RemoteAddr)
	}))
}

type line struct {
	T      int64   `json:"t"`
	Ms     float64 `json:"ms"`
	Status int     `json:"status,omitempty"`
	Error  string  `json:"error,omitempty"`
}

func call(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("call needs a URL")
	}
	flags := flag.NewFlagSet("call", flag.ExitOnError)
	interval := flags.Duration("interval", 100*time.Millisecond, "time between the starts of two requests")
	timeout := flags.Duration("timeout", 5*time.Second, "longest time of one request")
	keepalive := flags.Bool("keepalive", false, "use one connection for all requests")
	flags.Parse(args[1:])
	client := &http.Client{Timeout: *timeout, Transport: &http.Transport{DisableKeepAlives: !*keepalive}}
	out := json.NewEncoder(os.Stdout)
	for tick := time.NewTicker(*interval); ; <-tick.C {
		start := time.Now()
		l := line{T: start.UnixMilli()}
		response, err := client.Get(args[0])
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			l.Status = response.StatusCode
		}
		if err != nil {
			l.Error = err.Error()
		}
		l.Ms = float64(time.Since(start).Microseconds()) / 1000
		out.Encode(l)
	}
}

func udpEcho(args []string) error {
	flags := flag.NewFlagSet("udp-echo", flag.ExitOnError)
	listen := flags.String("listen", ":8081", "address to listen on")
	flags.Parse(args)
	socket, err := net.ListenPacket("udp", *listen)
	if err != nil {
		return err
	}
	buffer := make([]byte, 65536)
	for {
		n, from, err := socket.ReadFrom(buffer)
		if err != nil {
			return err
		}
		socket.WriteTo(buffer[:n], from)
	}
}
