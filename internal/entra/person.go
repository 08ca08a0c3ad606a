package entra

import (
	"context"
	"errors"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/httpkit"
)

// recognise finds the person who entered a name and a password. A name that nobody has and a wrong
// password are answered alike, and who is wrong too often is told to wait. The right password passes
// even then: otherwise anybody who reaches the page could lock a person out by guessing.
func (d *Door) recognise(ctx context.Context, name string, password cloud.Sealed) (cloud.Principal, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	if len(name) > 256 {
		name = name[:256]
	}
	who, known := d.Directory.BySignIn(name)
	err := d.Directory.CheckSecret(who, password.Open())
	switch {
	case err == nil && known && who.Kind == cloud.User:
		httpkit.Note(ctx, httpkit.KeyCaller, string(who.ID))
		return who, nil
	case errors.Is(err, directory.ErrExpiredSecret):
		return cloud.Principal{}, refuse(50055, "The password is expired.").Because(err)
	}
	if d.names.take(name, maxWrong, d.now()) {
		return cloud.Principal{}, refuse(50053, "There were too many wrong passwords for this name. The right one is taken at any time; after five minutes you are told again whether one is wrong.").Because(err)
	}
	return cloud.Principal{}, refuse(50126, "Your name or password is not right. The owner's lie in owner.json in the state folder, which 'lanyard account show' names.").Because(err)
}
