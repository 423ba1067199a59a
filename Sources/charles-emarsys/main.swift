import Glibc

// The whole program is one command; its exit code is the process's.
exit(CommandLineProgram.run(Array(CommandLine.arguments.dropFirst())))
