# The program that `machine` talks to for the length of one of its commands.
#
# Each line of its input is a request in JSON:  {"script": TEXT, "parameters": {NAME: VALUE, ...}}
# Each request gets one line of JSON:           {"result": VALUE, "warnings": [TEXT, ...]}
#                                           or  {"error": {"message", "id", "category", "script_line", "no_rights"}}
# Values arrive as parameters and never as text of a script. The end of the input ends it.
Set-StrictMode -Version 2.0
# The cmdlets for networks are functions of modules, which see no other scope than the global one.
$global:ErrorActionPreference = 'Stop'
$global:ProgressPreference = 'SilentlyContinue'
$global:ConfirmPreference = 'None'
# Windows PowerShell gives lists a property `Count`, which would make objects of them in JSON.
Remove-TypeData -TypeName System.Array -ErrorAction SilentlyContinue

# Not through the console, whose code page knows no other alphabets. Requests are pure ASCII.
$answers = [IO.StreamWriter]::new([Console]::OpenStandardOutput(), [Text.UTF8Encoding]::new($false))
$answers.AutoFlush = $true

function Write-Answer($Answer) {
    $answers.WriteLine((ConvertTo-Json -InputObject $Answer -Depth 6 -Compress))
}

# What the user may do: members of either group may use Hyper-V. Its own group has no name that is the
# same in every language.
function Get-Rights {
    $principal = [Security.Principal.WindowsPrincipal]::new([Security.Principal.WindowsIdentity]::GetCurrent())
    @{
        elevated = $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
        hyperv_administrator = $principal.IsInRole([Security.Principal.SecurityIdentifier]::new('S-1-5-32-578'))
    }
}

# The virtual machine with this id. For a record that has no id, the one with this name; names are not
# unique, so more than one is an error. Where a directory is given, only one that lies in it counts.
# Nothing if there is none.
function Find-Machine([string] $Id, [string] $Name, [string] $Directory) {
    $found = @(Hyper-V\Get-VM | Where-Object {
        if ($Id) {
            "$($_.Id)" -eq $Id
        }
        else {
            $_.Name -eq $Name -and (-not $Directory -or
                "$($_.Path)\".StartsWith("$Directory\", [StringComparison]::OrdinalIgnoreCase))
        }
    })
    if ($found.Count -gt 1) {
        throw "there are $($found.Count) virtual machines with the name '$Name'"
    }
    $found
}

# The same, where it must be there.
function Get-Machine([string] $Id, [string] $Name, [string] $Directory) {
    $found = Find-Machine -Id $Id -Name $Name -Directory $Directory
    if (-not $found) {
        Write-Error -Message "there is no virtual machine '$Name'" -ErrorId 'machine.NotFound' -Category ObjectNotFound
    }
    $found
}

Write-Answer @{
    result = @{
        powershell = "$($PSVersionTable.PSVersion)"
        local_data = [Environment]::GetFolderPath('LocalApplicationData')
    }
}
while ($null -ne ($line = [Console]::In.ReadLine())) {
    try {
        $request = ConvertFrom-Json -InputObject $line
        $parameters = @{}
        foreach ($property in $request.parameters.PSObject.Properties) {
            $parameters[$property.Name] = $property.Value
        }
        $output = @(& ([scriptblock]::Create($request.script)) @parameters 3>&1)
        $warnings = @($output | Where-Object { $_ -is [Management.Automation.WarningRecord] } | ForEach-Object { "$_" })
        $result = @($output | Where-Object { $_ -isnot [Management.Automation.WarningRecord] })
        Write-Answer @{ result = $(if ($result.Count) { $result[0] }); warnings = $warnings }
    }
    catch {
        # Hyper-V's own words for missing rights differ between languages, and its id is `Unspecified`.
        $rights = Get-Rights
        Write-Answer @{
            error = @{
                message = "$($_.Exception.Message)"
                id = "$($_.FullyQualifiedErrorId)"
                category = "$($_.CategoryInfo.Category)"
                script_line = $(if ($_.InvocationInfo) { $_.InvocationInfo.ScriptLineNumber })
                no_rights = -not ($rights.elevated -or $rights.hyperv_administrator)
            }
        }
    }
}
