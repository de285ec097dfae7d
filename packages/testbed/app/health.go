//go:build go1.24

package main

import (
	"flag"
	"io"
	"net/http"
)

// health answers every gRPC health check with SERVING, in the clear, as kubelets ask for it.
func health(args []string) error {
	flags := flag.NewFlagSet("health", flag.ExitOnError)
	listen := flags.String("listen", ":8082", "address to listen on")
	flags.Parse(args)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Addr: *listen, Protocols: protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		// Not compressed, two bytes: field 1 of HealthCheckResponse is 1.
		w.Write([]byte{0, 0, 0, 0, 2, 8, 1})
		w.Header().Set("Grpc-Status", "0")
	})}
	return server.ListenAndServe()
}
