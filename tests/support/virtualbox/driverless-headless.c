/* In place of VBoxHeadless: initialises VirtualBox's runtime in driverless mode, in which machines are
   interpreted, and goes on as the real program. Without the setuid bit and its hardening. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

#define LIBRARY "/usr/lib/virtualbox/"
/* iprt/initterm.h and VBox/sup.h: RTR3INIT_FLAGS_TRY_SUPLIB with SUPR3INIT_F_DRIVERLESS and
   SUPR3INIT_F_DRIVERLESS_IEM_ALLOWED. */
#define FLAGS ((1u << 16) | (((1u << 2) | (1u << 3)) << 18))

static void *symbol(const char *path, int mode, const char *name) {
  void *library = dlopen(path, mode);
  void *found = library ? dlsym(library, name) : 0;
  if (!found) fprintf(stderr, "%s\n", dlerror());
  return found;
}

int main(int argc, char **argv, char **envp) {
  int (*init)(uint32_t, uint32_t, int, char ***, const char *) =
      symbol(LIBRARY "VBoxRT.so", RTLD_NOW | RTLD_GLOBAL, "RTR3InitEx");
  if (!init || init(2, FLAGS, argc, &argv, 0) < 0) return 91;
  int (*run)(int, char **, char **) = symbol(LIBRARY "VBoxHeadless.so", RTLD_NOW | RTLD_GLOBAL, "TrustedMain");
  return run ? run(argc, argv, envp) : 92;
}
