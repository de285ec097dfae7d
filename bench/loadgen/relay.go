package main

import (
	"log"
	"net"
	"runtime"
	"syscall"
	"unsafe"
)

// relay is the floor of any relay on this machine: a thread that reads and writes as the kernel has it, with nothing between, and
// no waiting for more than one descriptor. It takes one connection after the other, and expects each question and each answer in one read.
func relay(from, to string) error {
	// The thread below does not tell the scheduler that it waits.
	runtime.GOMAXPROCS(4)
	listener, err := net.Listen("tcp", from)
	if err != nil {
		return err
	}
	for {
		front, err := listener.Accept()
		if err != nil {
			return err
		}
		back, err := net.Dial("tcp", to)
		if err != nil {
			log.Print(err)
			front.Close()
			continue
		}
		pass(front.(*net.TCPConn), back.(*net.TCPConn))
	}
}

func pass(front, back *net.TCPConn) {
	defer front.Close()
	defer back.Close()
	frontFile, err := front.File()
	if err != nil {
		log.Print(err)
		return
	}
	defer frontFile.Close()
	backFile, err := back.File()
	if err != nil {
		log.Print(err)
		return
	}
	defer backFile.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	buffer := make([]byte, 64<<10)
	// Fd makes it blocking.
	for question, answer := frontFile.Fd(), backFile.Fd(); step(question, answer, buffer) && step(answer, question, buffer); {
	}
}

func step(from, to uintptr, buffer []byte) bool {
	start := uintptr(unsafe.Pointer(&buffer[0]))
	read, _, failure := syscall.RawSyscall(syscall.SYS_READ, from, start, uintptr(len(buffer)))
	if failure != 0 || read == 0 {
		return false
	}
	written, _, failure := syscall.RawSyscall(syscall.SYS_WRITE, to, start, read)
	return failure == 0 && written == read
}
