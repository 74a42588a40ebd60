/* A test aid, never shipped. Plays programs of Windows that Wine has not or not whole, by its own name:

     whoami  says who the user is, as `whoami /user /fo csv /nh` does
     icacls  writes its arguments into the file RIGHTS_LOG
     cacls   says the rights that RIGHTS_SDDL names, as `cacls FILE /S` does
     hold    opens a file as virus scanners do, so that nobody can replace it, until a new one lies
             beside it and a moment longer
     others  are shells: they run their arguments and end with their exit code */
#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>
#include <windows.h>

static int hold(const wchar_t *file, const wchar_t *beside)
{
    WIN32_FIND_DATAW found;
    HANDLE held = CreateFileW(file, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (held == INVALID_HANDLE_VALUE)
        return 1;
    printf("held\n");
    fflush(stdout);
    for (int tries = 0; tries < 6000; tries++) {
        if (FindFirstFileW(beside, &found) != INVALID_HANDLE_VALUE) {
            Sleep(100);
            CloseHandle(held);
            printf("released\n");
            return 0;
        }
        Sleep(10);
    }
    return 2;
}

/* The arguments hold no quotes and end in no backslash. */
static int run(int count, wchar_t **args)
{
    const wchar_t **quoted = calloc(count + 1, sizeof *quoted);

    for (int at = 0; at < count; at++) {
        wchar_t *word = calloc(wcslen(args[at]) + 3, sizeof *word);
        wcscat(wcscat(wcscpy(word, L"\""), args[at]), L"\"");
        quoted[at] = word;
    }
    return (int)_wspawnv(_P_WAIT, args[0], quoted);
}

int wmain(int count, wchar_t **args)
{
    wchar_t self[MAX_PATH * 4];
    const wchar_t *name, *variable;

    GetModuleFileNameW(NULL, self, MAX_PATH * 4);
    name = wcsrchr(self, L'\\') + 1;
    if (!_wcsicmp(name, L"whoami.exe")) {
        puts("\"PC\\tester\",\"S-1-5-21-1-2-3-1001\"");
        return 0;
    }
    if (!_wcsicmp(name, L"icacls.exe")) {
        FILE *log = _wfopen(_wgetenv(L"RIGHTS_LOG"), L"a, ccs=UTF-8");
        for (int at = 1; log && at < count; at++)
            fwprintf(log, L"%ls\n", args[at]);
        return log ? fclose(log) : 1;
    }
    if (!_wcsicmp(name, L"cacls.exe")) {
        variable = _wgetenv(L"RIGHTS_SDDL");
        wprintf(L"%ls %ls\n", count > 1 ? args[1] : L"", variable ? variable : L"");
        return 0;
    }
    if (!_wcsicmp(name, L"hold.exe") && count > 2)
        return hold(args[1], args[2]);
    return count > 1 ? run(count - 1, args + 1) : 1;
}
