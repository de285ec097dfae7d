module chaosplane.io/bench/loadgen

go 1.19
