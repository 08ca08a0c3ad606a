package main

import (
	"time"

	"lanyard/internal/cloud"
)

// span is the value of a flag that takes a span of time, in the words of cloud.ParseSpan: 25h, 30m, 7d.
type span time.Duration

func (s *span) String() string {
	if *s == 0 {
		return "" // help tells no default
	}
	return cloud.Span(time.Duration(*s))
}

func (s *span) Set(text string) error {
	d, err := cloud.ParseSpan(text)
	if err == nil {
		*s = span(d)
	}
	return err
}

// Type is what help calls the value.
func (s *span) Type() string { return "span" }

// ago gives the moment that lies a span before another.
func (s span) ago(from time.Time) time.Time { return from.Add(-time.Duration(s)) }
