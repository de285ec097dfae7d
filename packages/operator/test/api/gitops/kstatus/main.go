// Prints what kstatus, and with it Flux, says of objects: for each line of JSON, one line of JSON.
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type answer struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(lines.Bytes()); err != nil {
			panic(err)
		}
		said, err := status.Compute(object)
		if err != nil {
			panic(err)
		}
		if err := out.Encode(answer{string(said.Status), said.Message}); err != nil {
			panic(err)
		}
	}
}
