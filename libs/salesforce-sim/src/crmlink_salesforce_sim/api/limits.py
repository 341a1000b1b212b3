"""/limits, /limits/recordCount, and the list of resources."""

from crmlink_salesforce_sim.api.call import Answer, Call
from crmlink_salesforce_sim.api.router import FIRST, LAST, Router
from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.schema import SObject
from crmlink_salesforce_sim.store import quoted

RECORD_KB = 2  # what a record counts for, whatever its size
SEASONS = ("Spring", "Summer", "Winter")
_FIXED = {
    "ActiveScratchOrgs": 3,
    "AnalyticsExternalDataSizeMB": 40960,
    "BOZosCalloutHourlyLimit": 20000,
    "CdpAiInferenceApiMonthlyLimit": 500000000,
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentEinsteinDataInsightsStoryCreation": 5,
    "ConcurrentEinsteinDiscoveryStoryCreation": 2,
    "ConcurrentSyncReportRuns": 20,
    "DailyAnalyticsDataflowJobExecutions": 60,
    "DailyAnalyticsUploadedFilesSizeMB": 51200,
    "DailyAsyncApexExecutions": 250000,
    "DailyAsyncApexTests": 500,
    "DailyBulkApiBatches": 15000,
    "DailyBulkV2QueryFileStorageMB": 976562,
    "DailyBulkV2QueryJobs": 10000,
    "DailyDeliveredPlatformEvents": 10000,
    "DailyDurableGenericStreamingApiEvents": 10000,
    "DailyDurableStreamingApiEvents": 10000,
    "DailyEinsteinDataInsightsStoryCreation": 1000,
    "DailyEinsteinDiscoveryOptimizationJobRuns": 0,
    "DailyEinsteinDiscoveryPredictAPICalls": 50000,
    "DailyEinsteinDiscoveryPredictionsByCDC": 500000,
    "DailyEinsteinDiscoveryStoryCreation": 100,
    "DailyFunctionsApiCallLimit": 235000,
    "DailyGenericStreamingApiEvents": 10000,
    "DailyScratchOrgs": 6,
    "DailyStandardVolumePlatformEvents": 10000,
    "DailyStreamingApiEvents": 10000,
    "DailyWorkflowEmails": 100000,
    "DataStorageMB": 1024,
    "DurableStreamingApiConcurrentClients": 20,
    "FileStorageMB": 1024,
    "HourlyAsyncReportRuns": 1200,
    "HourlyDashboardRefreshes": 200,
    "HourlyDashboardResults": 5000,
    "HourlyDashboardStatuses": 999999999,
    "HourlyElevateAsyncReportRuns": 1200,
    "HourlyElevateSyncReportRuns": 500,
    "HourlyLongTermIdMapping": 100000,
    "HourlyManagedContentPublicRequests": 50000,
    "HourlyODataCallout": 1000,
    "HourlyPublishedPlatformEvents": 50000,
    "HourlyPublishedStandardVolumePlatformEvents": 1000,
    "HourlyShortTermIdMapping": 100000,
    "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 1000,
    "MassEmail": 5000,
    "MaxContentDocumentsLimit": 10000000,
    "MonthlyEinsteinDiscoveryStoryCreation": 500,
    "MonthlyPlatformEventsUsageEntitlement": 0,
    "Package2VersionCreates": 6,
    "Package2VersionCreatesWithoutValidation": 500,
    "PermissionSets": 1500,
    "PlatformEventTriggersWithParallelProcessing": 5,
    "PrivateConnectOutboundCalloutHourlyLimitMB": 0,
    "PublishCallbackUsageInApex": 2500000,
    "SingleEmail": 5000,
    "StreamingApiConcurrentClients": 20,
}
_RESOURCES = (
    *("composite", "jobs", "limits", "parameterizedSearch", "query", "queryAll", "recent"),
    *("search", "sobjects"),
)


def versions() -> list[Row]:
    """Return every version the org speaks, oldest first."""
    return [
        {
            "label": f"{SEASONS[number % 3]} '{15 + (number - 32) // 3:02d}",
            "url": f"/services/data/v{number}.0",
            "version": f"{number}.0",
        }
        for number in range(FIRST, LAST + 1)
    ]


def add_limits(router: Router) -> None:
    """Add what tells of the org itself."""
    router.add("limits", GET=_limits)
    router.add("limits/recordCount", GET=_record_count)
    router.add("", GET=_resources)


def _resources(org: Org, call: Call) -> Answer:
    with org.store.reading() as connection:
        (org_id,) = connection.execute("SELECT Id FROM Organization").fetchone()
    base = f"/services/data/v{call.version}/"
    found: Row = {name: base + name for name in _RESOURCES}
    return Answer({**found, "identity": f"{call.origin}/id/{org_id}/{call.user}"})


def _limits(org: Org, _: Call) -> Answer:
    limits: Row = {name: _limit(most, 0) for name, most in _FIXED.items()}
    limits["PermissionSets"] = {
        **_limit(_FIXED["PermissionSets"], 0),
        "CreateCustom": _limit(1000, 0),
    }
    limits["DailyApiRequests"] = _limit(org.usage.most, org.usage.used())
    for name, used in org.jobs.used_today().items():
        limits[name] = _limit(_FIXED[name], used)
    limits["DataStorageMB"] = _limit(_FIXED["DataStorageMB"], _stored(org) * RECORD_KB // 1024)
    for name, used in org.jobs.used_today().items():
        limits[name] = _limit(_FIXED[name], used)
    return Answer(dict(sorted(limits.items())))


def _limit(most: int, used: int) -> Row:
    return {"Max": most, "Remaining": max(0, most - used)}


def _stored(org: Org) -> int:
    """Return about how many records there are; exact counts would make /limits a slow call."""
    stored = 0
    with org.store.reading() as connection:
        for sobject in org.schema.objects.values():
            words = ["SELECT max(rowid) FROM", quoted(sobject.name)]
            (highest,) = connection.execute(" ".join(words)).fetchone()
            stored += int(highest or 0)
    return stored


def _record_count(org: Org, call: Call) -> Answer:
    asked = [one.strip() for one in call.params.get("sObjects", "").split(",") if one.strip()]
    found = [org.schema.find(one) for one in asked] or list(org.schema.objects.values())
    known = [one for one in found if one is not None]
    return Answer({"sObjects": [{"count": n, "name": name} for name, n in _counted(org, known)]})


def _counted(org: Org, wanted: list[SObject]) -> list[tuple[str, int]]:
    """Return how many records outside the recycle bin each object has."""
    counts = []
    with org.store.reading() as connection:
        for sobject in wanted:
            words = ["SELECT COUNT(*) FROM", quoted(sobject.name), "WHERE IsDeleted = 0"]
            (count,) = connection.execute(" ".join(words)).fetchone()
            counts.append((sobject.name, int(count)))
    return counts
