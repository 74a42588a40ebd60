# What there is to make machines with. Fails for nothing that the answer can say.
param([string] $Name)

$rights = Get-Rights
$facts = @{
    module = $false
    elevated = $rights.elevated
    hyperv_administrator = $rights.hyperv_administrator
    hypervisor = (Get-CimInstance -ClassName Win32_ComputerSystem -Property HypervisorPresent).HypervisorPresent
    free_memory = (Get-CimInstance -ClassName Win32_OperatingSystem -Property FreePhysicalMemory).FreePhysicalMemory * 1kb
    service = $null
    refused = $null
    processors = 0
    switches = @()
    namesakes = @()
}
$service = Get-Service -Name vmms -ErrorAction SilentlyContinue
if ($service) {
    $facts.service = "$($service.Status)"
}
try {
    Import-Module -Name Hyper-V
    $facts.module = $true
}
catch {
    return $facts
}
try {
    $facts.processors = (Hyper-V\Get-VMHost).LogicalProcessorCount
    $facts.switches = @(Hyper-V\Get-VMSwitch | ForEach-Object {
        @{ id = "$($_.Id)"; name = $_.Name; type = "$($_.SwitchType)" }
    })
    $facts.namesakes = @(Hyper-V\Get-VM | Where-Object { $_.Name -eq $Name } | ForEach-Object {
        @{ id = "$($_.Id)"; path = $_.Path }
    })
}
catch {
    $facts.refused = "$($_.Exception.Message)"
}
$facts
