package etcd

import (
	"context"
	"log/slog"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// bridge gives etcd a logger that hands its warnings and errors to log. What etcd would end the
// process for becomes a panic, which Open turns into an error.
func bridge(log *slog.Logger) *zap.Logger {
	return zap.New(&core{log: log}, zap.WithFatalHook(zapcore.WriteThenPanic))
}

// core is a zapcore.Core that writes to slog.
type core struct{ log *slog.Logger }

// Enabled is zapcore.Core: etcd's information is detail to everybody else.
func (c *core) Enabled(level zapcore.Level) bool { return level >= zapcore.WarnLevel }

// With is zapcore.Core.
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	return &core{log: c.log.With(attributes(fields)...)}
}

// Check is zapcore.Core.
func (c *core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	// It advises on listeners, and an embedded etcd has none.
	if !c.Enabled(e.Level) || strings.HasPrefix(e.Message, "Running http and grpc server on single port") {
		return checked
	}
	return checked.AddCore(e, c)
}

// Write is zapcore.Core.
func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	level := slog.LevelWarn
	if e.Level > zapcore.WarnLevel {
		level = slog.LevelError
	}
	c.log.With(attributes(fields)...).Log(context.Background(), level, "etcd: "+e.Message)
	return nil
}

// Sync is zapcore.Core.
func (c *core) Sync() error { return nil }

func attributes(fields []zapcore.Field) []any {
	spelled := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(spelled)
	}
	var all []any
	for key, value := range spelled.Fields {
		all = append(all, slog.Any(key, value))
	}
	return all
}
