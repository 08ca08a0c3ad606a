// Package dataplane is the parent of the services that tokens open.
//
// It must not know any of them: each is a child that imports no other.
package dataplane
