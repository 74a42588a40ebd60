/* A test aid, never shipped. Plays programs of Windows that Wine has not or not whole, by its own name:

     whoami  says who the user is, as `whoami /user /fo csv /nh` does
     icacls  writes its arguments into the file RIGHTS_LOG
     cacls   says the rights that RIGHTS_SDDL names, as `cacls FILE /S` does
     hold    opens a file as virus scanners do, so that nobody can replace it, until a new one lies
             beside it and a moment longer
     pipe    writes a file to a named pipe and prints what comes back; a second file, after the first
             answer, with an empty message behind it
     others  are shells: they run their arguments and end with their exit code */
#include <fcntl.h>
#include <io.h>
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

static int put(HANDLE pipe, const wchar_t *file)
{
    char buffer[4096];
    DWORD length;
    FILE *input = _wfopen(file, L"rb");

    while (input && (length = fread(buffer, 1, sizeof buffer, input)) > 0)
        if (!WriteFile(pipe, buffer, length, &length, NULL))
            return 0;
    return input && fclose(input) == 0;
}

static int ask(const wchar_t *name, const wchar_t *request, const wchar_t *input)
{
    char buffer[4096];
    DWORD length;
    HANDLE pipe;

    /* As Docker's client does: one that comes while another one is let in tries again. */
    do
        pipe = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    while (pipe == INVALID_HANDLE_VALUE && GetLastError() == ERROR_PIPE_BUSY &&
           WaitNamedPipeW(name, 60000));
    if (pipe == INVALID_HANDLE_VALUE) {
        printf("no pipe: error %lu\n", GetLastError());
        return 1;
    }
    _setmode(_fileno(stdout), _O_BINARY);
    if (!put(pipe, request))
        return 2;
    while (ReadFile(pipe, buffer, sizeof buffer, &length, NULL) && length > 0) {
        fwrite(buffer, 1, length, stdout);
        if (input && (!put(pipe, input) || !WriteFile(pipe, buffer, 0, &length, NULL)))
            return 3;
        input = NULL;
    }
    return 0;
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
    if (!_wcsicmp(name, L"pipe.exe") && count > 2)
        return ask(args[1], args[2], count > 3 ? args[3] : NULL);
    return count > 1 ? run(count - 1, args + 1) : 1;
}
