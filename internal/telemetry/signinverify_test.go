package telemetry

import (
	"path/filepath"
	"strings"
	"testing"
)

// Whoever writes to the file beside us is found out, as far as they do not write all of it anew.
func TestRecordsThatWereChangedAreFoundOut(t *testing.T) {
	for name, c := range map[string]struct{ deed, want string }{
		"nobody did anything":             {`select 1`, ""},
		"another identity":                {`update signins set body = replace(body, 'billing', 'somebody') where seq = 3`, "not found by what it says"},
		"another process":                 {`update signins set body = replace(body, '/bin/sh', '/bin/ls') where seq = 3`, "does not follow"},
		"another process, in the last":    {`update signins set body = replace(body, '/bin/sh', '/bin/ls') where seq = 5`, "the last record was changed"},
		"one is gone":                     {`delete from signins where seq = 3`, "does not follow"},
		"the last is gone":                {`delete from signins where seq = 5`, "those after it were taken away"},
		"two have changed places":         {`update signins set seq = case seq when 2 then 3 else 2 end + 100 where seq in (2, 3)`, "does not follow"},
		"one cannot be read":              {`update signins set body = 'x' where seq = 3`, "cannot be read"},
		"one is hidden from a search":     {`update signins set app = '' where seq = 3`, "not found by what it says"},
		"one is hidden in another time":   {`update signins set at = 0 where seq = 3`, "not found by what it says"},
		"one was put between":             {`insert into signins select 9, at, app, principal, client, identity, name, before, body from signins where seq = 2`, "does not follow"},
		"the oldest are gone, as in time": {`delete from signins where seq < 3`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := keep(t, filepath.Join(t.TempDir(), "signins.db"), Keeping{})
			s.record(t, 1, 2, 3, 4, 5)
			if _, err := s.db.ExecContext(t.Context(), c.deed); err != nil {
				t.Fatal(err)
			}
			v, err := s.Verify(t.Context(), "")
			if err != nil || (v.Broken == "") != (c.want == "") || !strings.Contains(v.Broken, c.want) {
				t.Errorf("got %+v, %v; want %q", v, err, c.want)
			}
		})
	}
}

func TestANotedHeadFindsRecordsThatWereWrittenAnew(t *testing.T) {
	s := keep(t, "", Keeping{})
	s.record(t, 1, 2)
	noted := func(head string) Verified {
		v, err := s.Verify(t.Context(), head)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	head := noted("").Head
	if v := noted(head); v.Broken != "" || v.Records != 2 {
		t.Errorf("at once: %+v", v)
	}
	s.record(t, 3)
	if v := noted(strings.ToUpper(head)); v.Broken != "" || v.Records != 3 {
		t.Errorf("later: %+v", v)
	}
	if v := noted("no digest"); v.Broken == "" {
		t.Errorf("what is no digest: %+v", v)
	}
	if _, err := s.db.ExecContext(t.Context(), `delete from signins; update head set seq = 0, digest = zeroblob(32)`); err != nil {
		t.Fatal(err)
	}
	s.record(t, 1, 3) // all anew, without the second
	if v := noted(""); v.Broken != "" {
		t.Errorf("without the note: %+v", v)
	}
	if v := noted(head); !strings.Contains(v.Broken, "written anew") {
		t.Errorf("with the note: %+v", v)
	}
}
