"""Small files of the formats that `shopstream replay` reads, made up here, and where the real ones may be."""

import gzip
import os
from pathlib import Path

REES46 = """\
event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session
2019-10-01 00:00:00 UTC,view,1004767,2053013555631882655,electronics.smartphone,samsung,254.82,511,aaaa
2019-10-01 00:00:00 UTC,view,1004767,2053013555631882655,electronics.smartphone,samsung,254.82,511,aaaa
2019-10-01 00:00:30 UTC,view,28719074,2053013565480109009,,,102.71,512,bbbb
2019-10-01 00:01:00 UTC,cart,1004767,2053013555631882655,electronics.smartphone,samsung,254.82,511,aaaa
2019-10-01 00:02:00 UTC,remove_from_cart,1004767,2053013555631882655,electronics.smartphone,samsung,254.82,511,aaaa
2019-10-01 00:03:00 UTC,purchase,1004767,2053013555631882655,electronics.smartphone,samsung,254.82,511,aaaa
2019-10-01 00:30:30 UTC,view,28719075,2053013565480109009,,,99.50,512,bbbb
2019-10-01 00:33:01 UTC,view,1004768,2053013555631882655,electronics.smartphone,apple,999.99,511,
2019-10-01 00:40:00 UTC,purchase,1004768,2053013555631882655,electronics.smartphone,apple,999.99,511,
2019-10-01 00:40:00 UTC,purchase,1004768,2053013555631882655,electronics.smartphone,apple,999.99,511,
"""
"""Ten rows, two of them told twice; visitor 512 pauses exactly half an hour, visitor 511 a second longer."""

SESSIONS = """\
session,visitor,visit_number,start_ts,date,channel,source,medium,campaign,referral_path,is_true_direct,device,browser,os,\
continent,country,new_visit,hits,pageviews,time_on_site,bounce,transactions,revenue_usd
0,7,2,1470034800,20160801,Organic Search,google,,,,0,desktop,Chrome,Windows,Americas,Canada,0,9,6,600,0,1,41.5
1,8,1,1470034900,20160801,Referral,blog.example,referral,,/gifts,0,mobile,Safari,iOS,Europe,France,1,2,2,5,0,0,
2,7,3,1470121200,20160802,Direct,(direct),,,,1,desktop,Chrome,Windows,Americas,Canada,0,2,2,60,0,0,
"""
HITS = """\
session,hit,t_ms,type,page_path,search_keyword,action,step,event_action,event_label,n_impressions,\
impression_mean_price_usd,transaction_id,transaction_revenue_usd,is_exit
0,1,0,P,/home,,0,1,,,12,25.28,,,
0,2,4000,E,/home,,1,1,Quickview Click,,,,,,
0,3,4000,P,/google+redesign/bags/quickview,,2,1,,,,,,,
0,4,9000,E,/google+redesign/bags,,3,1,Add to Cart,,,,,,
0,5,60000,P,/yourinfo.html,,5,1,,,,,,,
0,6,90000,P,/payment.html?step=2,,5,2,,,,,,,
0,7,120000,P,/revieworder.html,,5,3,,,,,,,
0,8,600000,P,/ordercompleted.html,,6,1,,,,,ORD1,41.50,
0,9,600040,P,/ordercompleted.html,,6,1,,,,,ORD1,,1
1,1,0,P,/home,gopher,0,1,,,,,,,
1,2,5000,E,/home,,0,1,Promotion Click,,,,,,1
2,1,0,P,/home,,0,1,,,,,,,
2,2,60000,E,/basket.html,,4,1,Remove from Cart,,,,,,1
9,1,0,P,/home,,0,1,,,,,,,1
"""
"""Fourteen hits; the last belongs to a visit that the sessions file has not."""
HIT_PRODUCTS = """\
session,hit,sku,price_usd,qty,revenue_usd
0,2,BAG1,20.75,,
0,3,BAG1,20.75,,
0,4,BAG1,20.75,2,
0,5,BAG1,41.5,2,
0,8,BAG1,20.75,2,41.5
0,9,BAG1,20.75,,
2,2,BAG1,20.75,1e16,
"""
CATALOGUE = "sku,name,category,modal_price_usd,n_seen\nBAG1,Sport Bag,Home/Bags/,20.75,6\n"


def write_rees46(folder: Path, text: str = REES46) -> Path:
    """A REES46 file of an hour."""
    return _gzipped(folder / "events_2019-10-01_0000-0100.csv.gz", text)


PERIOD = "20160801_20160802"
GOOGLE_HITS = f"ga360_hits_{PERIOD}.csv.gz"
GOOGLE_SESSIONS = f"ga360_sessions_{PERIOD}.csv.gz"


def write_google(folder: Path, period: str = PERIOD, **texts: str) -> Path:
    """The four files of a Google store export; returns the folder. `hits=`, `sessions=` … replace one file's text."""
    _gzipped(folder / f"ga360_hits_{period}.csv.gz", texts.get("hits", HITS))
    _gzipped(folder / f"ga360_sessions_{period}.csv.gz", texts.get("sessions", SESSIONS))
    _gzipped(folder / f"ga360_hit_products_{period}.csv.gz", texts.get("hit_products", HIT_PRODUCTS))
    _gzipped(folder / "ga360_products.csv.gz", texts.get("catalogue", CATALOGUE))
    return folder


def write_dmm(folder: Path, sessions: str, pages: str) -> Path:
    """The two files of a ClickstreamDMM folder; returns the folder."""
    _gzipped(folder / "sessions.csv.gz", sessions)
    _gzipped(folder / "page_events.csv.gz", pages)
    return folder


def real_data() -> Path:
    """The folder of real event logs: `SHOPSTREAM_TEST_DATA`, else `../shared/data` beside the repository."""
    default = Path(__file__).parents[2] / "shared" / "data"
    return Path(os.environ.get("SHOPSTREAM_TEST_DATA", default))


def _gzipped(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()))
    return path
