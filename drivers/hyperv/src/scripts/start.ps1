# Switches the virtual machine on, or lets it go on from where it was saved or paused. One that is on
# its way is left alone: whoever asked waits for it.
param([string] $Id, [string] $Name, [string] $Directory)

$machine = Get-Machine -Id $Id -Name $Name -Directory $Directory
switch -Wildcard ("$($machine.State)") {
    'Running' { break }
    'Starting' { break }
    'Resuming' { break }
    # Hyper-V pauses a machine whose disk is full or away (PausedCritical).
    'Paused*' {
        Hyper-V\Resume-VM -VM $machine
        break
    }
    # Hyper-V would only say that it cannot be done in this state.
    '*Critical' {
        Write-Error -Message "Hyper-V cannot reach the files of '$($machine.Name)' in '$($machine.Path)': its state is $_" -ErrorId 'machine.Critical' -Category ResourceUnavailable
        break
    }
    default { Hyper-V\Start-VM -VM $machine }
}
@{ id = "$($machine.Id)" }
