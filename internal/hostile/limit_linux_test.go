package hostile

import (
	"os"
	"syscall"
)

// limit bounds the addresses of this process and of those it starts, of which Go takes
// more than 1 GB to begin with.
func limit() error {
	const most = 2500 << 20
	return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: most, Max: most})
}

func memoryOf(p *os.ProcessState) int64 { return int64(p.SysUsage().(*syscall.Rusage).Maxrss) << 10 }
