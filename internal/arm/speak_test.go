package arm

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"lanyard/internal/fault"
)

func TestEveryKindOfFaultIsSpokenInTheEnvelope(t *testing.T) {
	for _, kind := range fault.Kinds() {
		t.Run(kind.String(), func(t *testing.T) {
			rec := httptest.NewRecorder()
			Speak(rec, nil, fault.New(kind, "SomeCode", "Some 'sentence'.").Because(errors.New("the cause")))
			want := `{"error":{"code":"SomeCode","message":"Some 'sentence'."}}`
			if rec.Code != kind.Status() || rec.Body.String() != want || rec.Header().Get("x-ms-error-code") != "SomeCode" {
				t.Errorf("got %d %s %v", rec.Code, rec.Body, rec.Header())
			}
		})
	}
}

func TestTheCauseOfAnInternalFaultIsNotSpoken(t *testing.T) {
	rec := httptest.NewRecorder()
	Speak(rec, nil, fault.Of(errors.New("key 7 is gone")))
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "key 7") {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}
