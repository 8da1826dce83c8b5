// Package memlimit runs tests in processes of bounded memory, where taking too
// much of it is a crash, as it is for a user.
package memlimit
