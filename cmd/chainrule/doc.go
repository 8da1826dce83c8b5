// Command chainrule trains, checks and uses small neural networks.
//
//	chainrule train                  train 784-50-10 on MNIST and save it
//	chainrule check                  prove every gradient by central differences
//	chainrule eval MODEL             accuracy and loss on MNIST's test set
//	chainrule predict MODEL FILE...  classify pictures or IDX files
//	chainrule info MODEL             the layers of a model file
//	chainrule graph NAME             draw a computational graph of the book
//	chainrule version                the version
//
// Results go to standard output, one JSON object a line with --json; progress
// and errors go to standard error. The exit code is 0 on success, 1 for a
// failure or a bad file, 2 for a wrong flag or argument, and 130 after Ctrl-C.
package main
