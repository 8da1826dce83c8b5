package data

import "strings"

// fashion are the classes of Fashion-MNIST, as named in its README.
var fashion = []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}

// Preparation says how the images of the collection become inputs, and how its classes are
// named.
func (s MNISTSource) Preparation() *Preparation {
	p := &Preparation{Image: &Image{Height: 28, Width: 28, Channels: 1}}
	if s.Name == "fashion-mnist" {
		p.Classes = fashion
	} else {
		p.Image.Digit, p.Classes = true, classNames(10)
	}
	return p
}

// SHA256 is the sum of the four files, decompressed: see [Load].
func (s MNISTSource) SHA256() (string, error) {
	c, err := named(s.Name)
	if err != nil {
		return "", err
	}
	var sums fileSums
	for _, f := range c.files {
		sums = append(sums, strings.Join([]string{f.sha256, "  ", f.name, "\n"}, ""))
	}
	return sums.all(), nil
}
