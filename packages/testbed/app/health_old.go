//go:build !go1.24

package main

import "fmt"

// health needs HTTP/2 in the clear, which older standard libraries do not serve.
func health([]string) error {
	return fmt.Errorf("health needs a program that was built by Go 1.24 or newer")
}
