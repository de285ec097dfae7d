// Prints what the cron library of Kubernetes says of schedules: for each line of JSON, one line of JSON.
// It is called as the controller of CronJobs does: the zone in front of the schedule.
// https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/controller/cronjob/utils.go
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"time"
	_ "time/tzdata"

	"github.com/robfig/cron/v3"
)

type question struct {
	Schedule string `json:"schedule"`
	Zone     string `json:"zone"`
	// Milliseconds since the epoch: runs after From and not after Until.
	From  int64 `json:"from"`
	Until int64 `json:"until"`
}

type answer struct {
	Error string  `json:"error,omitempty"`
	Runs  []int64 `json:"runs"`
}

func runs(asked question) answer {
	schedule, err := cron.ParseStandard("TZ=" + asked.Zone + " " + asked.Schedule)
	if err != nil {
		return answer{Error: err.Error(), Runs: []int64{}}
	}
	found := []int64{}
	for at := time.UnixMilli(asked.From).UTC(); len(found) < 100000; {
		at = schedule.Next(at)
		// Zero: it gave up after five years without one.
		if at.IsZero() || at.UnixMilli() > asked.Until {
			break
		}
		found = append(found, at.UnixMilli())
	}
	return answer{Runs: found}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		if err := out.Encode(runs(asked)); err != nil {
			panic(err)
		}
	}
}
