// Command client drives chaos-daemon the way the controllers of Chaos Mesh do: a NetworkChaos of one pod is three calls.
// It reads one command a line from standard input, and answers each with one line of JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/pkg/chaosdaemon/pb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// A command: ping, partition the container from peers, delay or lose what it sends, or recover it.
type command struct {
	Do        string   `json:"do"`
	Container string   `json:"container"`
	Pod       string   `json:"pod"`
	Peers     []string `json:"peers"`
	// For netem: a duration as in Go, 0s for none, and percent.
	Latency string  `json:"latency"`
	Loss    float32 `json:"loss"`
}

type answer struct {
	Ms float64 `json:"ms"`
	// Processes that the whole machine started meanwhile.
	Processes int    `json:"processes"`
	Error     string `json:"error,omitempty"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: client ADDRESS")
		os.Exit(2)
	}
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	daemon := pb.NewChaosDaemonClient(connection)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			out.Encode(answer{Error: err.Error()})
			continue
		}
		before, start := started(), time.Now()
		err := run(daemon, c)
		a := answer{Ms: float64(time.Since(start).Microseconds()) / 1000, Processes: started() - before}
		if err != nil {
			a.Error = err.Error()
		}
		out.Encode(a)
	}
}

func run(daemon pb.ChaosDaemonClient, c command) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	switch c.Do {
	case "ping":
		action := &pb.ContainerAction{Action: pb.ContainerAction_GETPID}
		_, err := daemon.ContainerGetPid(ctx, &pb.ContainerRequest{Action: action, ContainerId: c.Container})
		return err
	case "partition":
		// The names that its controllers would make.
		sets := []*pb.IPSet{
			{Name: "bench_5e5d0b3a1_net_tgt", Type: "hash:net", Cidrs: networks(c.Peers)},
			{Name: "bench_5e5d0_netport_tgt", Type: "hash:net,port"},
			{Name: "bench_5e5d0b3a1_set_tgt", Type: "list:set", SetNames: []string{"bench_5e5d0b3a1_net_tgt", "bench_5e5d0_netport_tgt"}},
		}
		chains := []*pb.Chain{{
			Name: "OUTPUT/bench_5e5d0b3a1c4d2_", Direction: pb.Chain_OUTPUT, Ipsets: []string{"bench_5e5d0b3a1_set_tgt"}, Target: "DROP",
		}}
		return network(ctx, daemon, c, sets, chains, nil)
	case "netem":
		// What its controllers make of a NetworkChaos without a target: the limit is left to the kernel.
		netem := &pb.Netem{Time: c.Latency, Loss: c.Loss}
		return network(ctx, daemon, c, nil, nil, []*pb.Tc{{Type: pb.Tc_NETEM, Netem: netem}})
	case "recover":
		return network(ctx, daemon, c, nil, nil, nil)
	}
	return fmt.Errorf("unknown command %q", c.Do)
}

func network(ctx context.Context, daemon pb.ChaosDaemonClient, c command, sets []*pb.IPSet, chains []*pb.Chain, tcs []*pb.Tc) error {
	if _, err := daemon.FlushIPSets(ctx, &pb.IPSetsRequest{Ipsets: sets, ContainerId: c.Container, EnterNS: true, PodUid: c.Pod}); err != nil {
		return err
	}
	if _, err := daemon.SetIptablesChains(ctx, &pb.IptablesChainsRequest{Chains: chains, ContainerId: c.Container, EnterNS: true, PodUid: c.Pod}); err != nil {
		return err
	}
	_, err := daemon.SetTcs(ctx, &pb.TcsRequest{Tcs: tcs, ContainerId: c.Container, EnterNS: true, PodUid: c.Pod})
	return err
}

func networks(peers []string) []string {
	all := make([]string, len(peers))
	for i, peer := range peers {
		all[i] = peer + "/32"
	}
	return all
}

// started tells how many processes the machine has started since it booted.
func started() int {
	stat, _ := os.ReadFile("/proc/stat")
	for _, line := range strings.Split(string(stat), "\n") {
		var count int
		if _, err := fmt.Sscanf(line, "processes %d", &count); err == nil {
			return count
		}
	}
	return 0
}
