// Receipts a second of one core, judged by golang.org/x/mod: a note with the signature of a log and three cosignatures,
// and an inclusion proof of 20 hashes. Prints one number.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const origin = "log.example/bench"

func main() {
	runtime.GOMAXPROCS(1)
	entry := []byte(strings.Repeat("x", 1024))
	signed, proof, known := receipt(entry)
	rounds := make([]float64, 5)
	for round := range rounds {
		began, done := processor(), 0
		for processor()-began < 0.2 {
			judge(signed, proof, entry, known)
			done++
		}
		rounds[round] = float64(done) / (processor() - began)
	}
	slices.Sort(rounds)
	fmt.Println(int(rounds[2]))
}

func judge(signed []byte, proof tlog.RecordProof, entry []byte, known note.Verifiers) {
	opened, err := note.Open(signed, known)
	if err != nil || len(opened.Sigs) != 4 {
		panic(fmt.Sprint("a good note was refused: ", err))
	}
	lines := strings.Split(opened.Text, "\n")
	var size int64
	var root tlog.Hash
	if _, err := fmt.Sscan(lines[1], &size); err != nil {
		panic(err)
	}
	bytes, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil {
		panic(err)
	}
	copy(root[:], bytes)
	if err := tlog.CheckRecord(proof, size, root, 0, tlog.RecordHash(entry)); err != nil {
		panic(err)
	}
}

func receipt(entry []byte) ([]byte, tlog.RecordProof, note.Verifiers) {
	proof := make(tlog.RecordProof, 20)
	root := tlog.RecordHash(entry)
	for height := range proof {
		proof[height] = tlog.Hash{byte(height)}
		root = tlog.NodeHash(root, proof[height])
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, 1<<20, base64.StdEncoding.EncodeToString(root[:]))
	var signers []note.Signer
	var verifiers []note.Verifier
	for place, name := range []string{origin, "witness.example/0", "witness.example/1", "witness.example/2"} {
		key := key{name: name, private: ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+place)), 32))), cosigns: place > 0}
		signers, verifiers = append(signers, key), append(verifiers, key)
	}
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		panic(err)
	}
	return signed, proof, note.VerifierList(verifiers...)
}

// Both kinds of keys that the specifications of notes and cosignatures know.
type key struct {
	name    string
	private ed25519.PrivateKey
	cosigns bool
}

func (k key) Name() string { return k.name }

func (k key) KeyHash() uint32 {
	kind := byte(1)
	if k.cosigns {
		kind = 4
	}
	public := k.private.Public().(ed25519.PublicKey)
	digest := sha256.Sum256(append([]byte(k.name+"\n"+string(rune(kind))), public...))
	return binary.BigEndian.Uint32(digest[:])
}

const time = 1_700_000_000

func (k key) signedText(text []byte, time uint64) []byte {
	if !k.cosigns {
		return text
	}
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", time), text...)
}

func (k key) Sign(text []byte) ([]byte, error) {
	signature := ed25519.Sign(k.private, k.signedText(text, time))
	if !k.cosigns {
		return signature, nil
	}
	return append(binary.BigEndian.AppendUint64(nil, time), signature...), nil
}

func (k key) Verify(text, signature []byte) bool {
	var at uint64
	if k.cosigns {
		if len(signature) != 72 {
			return false
		}
		at, signature = binary.BigEndian.Uint64(signature), signature[8:]
	}
	return ed25519.Verify(k.private.Public().(ed25519.PublicKey), k.signedText(text, at), signature)
}

func processor() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(errors.Join(errors.New("no times of this process"), err))
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}
