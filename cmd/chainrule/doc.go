// Command chainrule trains, checks and uses small neural networks.
//
//	chainrule data FILE|FOLDER       what is in a table, a folder of pictures or an array
//	chainrule train                  train a network on MNIST or your own data and save it
//	chainrule reproduce MODEL        train a model again and say whether the bits are the same
//	chainrule check                  check every gradient against references, and find planted faults
//	chainrule eval MODEL             accuracy and loss on MNIST's test set, or on your own data
//	chainrule predict MODEL FILE...  the class or the number for pictures, tables and arrays
//	chainrule info [MODEL]           the layers of a model file or of a line of layers, and their memory
//	chainrule report RUN|MODEL       one page with curves, metrics and worst mistakes
//	chainrule runs FOLDER...         list and compare runs
//	chainrule graph NAME|MODEL       draw a computational graph of the book, or of a model
//	chainrule experiment NAME        repeat an experiment of the book, as a plot and numbers
//	chainrule bench                  measure how fast all this is here
//	chainrule version                the version
//	chainrule completion SHELL       a script that lets the shell complete all this with Tab
//	chainrule help [command]         help about a command
//
// Where a command reads samples, the file - is standard input. Results go to
// standard output, one JSON object a line with --json; progress and errors go to
// standard error. The exit code is 0 on success, 1 for a failure or a bad file, 2
// for a wrong flag or argument, 130 after Ctrl-C, and 143 after SIGTERM or SIGUSR1.
package main
