/*
 * Stands in for the helper of that name in chaos-daemon's image: runs a command in namespaces that are given by path
 * (-n net, -p pid, -m mount, -i ipc, -c cgroup), as one child, and passes SIGTERM on to it. -l is taken and does nothing.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child;

static void pass_on(int signal_number) {
  if (child > 0) kill(child, signal_number);
}

static int flag_of(char option) {
  switch (option) {
    case 'n': return CLONE_NEWNET;
    case 'p': return CLONE_NEWPID;
    case 'm': return CLONE_NEWNS;
    case 'i': return CLONE_NEWIPC;
    case 'c': return CLONE_NEWCGROUP;
    default: return 0;
  }
}

int main(int argc, char **argv) {
  signal(SIGTERM, pass_on);
  int at = 1;
  for (; at < argc && argv[at][0] == '-'; at++) {
    if (strcmp(argv[at], "--") == 0) {
      at++;
      break;
    }
    if (strcmp(argv[at], "-l") == 0 || at + 1 >= argc) continue;
    int flag = flag_of(argv[at][1]);
    int namespace = flag == 0 ? -1 : open(argv[at + 1], O_RDONLY | O_CLOEXEC);
    if (flag != 0 && (namespace < 0 || setns(namespace, flag) != 0)) {
      perror(argv[at + 1]);
      return 1;
    }
    at++;
  }
  if (at >= argc) return 2;
  child = vfork();
  if (child == 0) {
    execvp(argv[at], argv + at);
    _exit(127);
  }
  int status;
  while (waitpid(child, &status, 0) < 0) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
