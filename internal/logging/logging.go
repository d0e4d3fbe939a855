// Package logging makes usher's loggers: zap, used through logr.
package logging

import (
	"io"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Logs are the loggers of one process.
type Logs struct {
	// Log writes every line.
	Log logr.Logger
	// Sampled writes at most one line of each message a second; every line when
	// the process is verbose.
	Sampled logr.Logger

	zap *zap.Logger
}

// New returns loggers that write JSON lines to w. verbose adds V(1).
func New(w io.Writer, verbose bool) *Logs {
	level := zapcore.InfoLevel
	if verbose {
		level = zapcore.DebugLevel
	}
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	core := zapcore.NewCore(zapcore.NewJSONEncoder(encoding), zapcore.Lock(zapcore.AddSync(w)), level)
	sampled := core
	if !verbose {
		sampled = zapcore.NewSamplerWithOptions(core, time.Second, 1, 0)
	}
	all := zap.New(core)
	return &Logs{Log: zapr.NewLogger(all), Sampled: zapr.NewLogger(zap.New(sampled)), zap: all}
}

// Sync writes out what is buffered. Terminals and pipes cannot be synced; that
// is no loss.
func (l *Logs) Sync() { _ = l.zap.Sync() }
