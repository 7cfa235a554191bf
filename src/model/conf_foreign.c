/* The table of keys of other programs. */
#include "conf_foreign.h"

/* The text after the key in the help. */
static const char amnezia[] = "is a key of AmneziaWG, whose packets differ from WireGuard's: "
			      "ask your provider for a file without it, or use AmneziaWG's own programs";
static const char comment[] = "is informational only: write it as a comment, after `#'";
static const char client_id[] = "is the client ID of Cloudflare WARP, which WireGuard cannot send: remove the line";
static const char lan[] = "is a key of WireSock: remove the line; local traffic bypasses the tunnel anyway";
static const char apps[] = "is a key of other WireGuard apps that selects per-app routing, which is not supported: "
			   "remove the line";
static const char excluded[] = "is a key of WireSock and TunSafe: leave these networks out of AllowedIPs";
static const char wiresock[] = "is a key of WireSock: remove the line";
static const char tunsafe[] = "is a key of TunSafe: remove the line";
static const char tunsafe_protocol[] = "is a key of TunSafe, whose packets then differ from WireGuard's: "
				       "ask your provider for a file without it";
static const char wireproxy[] = "is a key of wireproxy: remove the line, or use PersistentKeepalive";
static const char keepalive[] = "is a key of other programs: use PersistentKeepalive";
static const char key_file[] = "is a key of systemd.netdev(5): write the key itself into the file";
static const char table[] = "is a key of systemd.netdev(5): use Table";
static const char metric[] = "is a key of systemd.netdev(5): remove the line";
static const char mark[] = "is a key of systemd.netdev(5): use FwMark";

static const struct {
	const char *key, *text;
} foreign[] = {
	{ "Jc", amnezia }, { "Jmin", amnezia }, { "Jmax", amnezia },
	{ "S1", amnezia }, { "S2", amnezia }, { "S3", amnezia }, { "S4", amnezia },
	{ "H1", amnezia }, { "H2", amnezia }, { "H3", amnezia }, { "H4", amnezia },
	{ "I1", amnezia }, { "I2", amnezia }, { "I3", amnezia }, { "I4", amnezia }, { "I5", amnezia },
	{ "J1", amnezia }, { "J2", amnezia }, { "J3", amnezia }, { "Itime", amnezia },
	{ "AdvancedSecurity", amnezia },
	{ "Comment", comment }, { "Comments", comment }, { "Description", comment }, { "Name", comment },
	{ "FriendlyName", comment },
	{ "Reserved", client_id }, { "ClientID", client_id },
	{ "KeepAlive", keepalive }, { "KeepAliveInterval", keepalive }, { "PersistentKeepaliveInterval", keepalive },
	{ "BypassLANTraffic", lan },
	{ "IncludedApplications", apps }, { "ExcludedApplications", apps },
	{ "AllowedApps", apps }, { "DisallowedApps", apps },
	{ "DisallowedIPs", excluded }, { "ExcludedIPs", excluded },
	{ "VirtualAdapterMode", wiresock }, { "Socks5Proxy", wiresock }, { "Socks5ProxyUsername", wiresock },
	{ "Socks5ProxyPassword", wiresock }, { "Socks5ProxyAllTraffic", wiresock },
	{ "BlockDNS", tunsafe }, { "BlockInternet", tunsafe },
	{ "ObfuscateKey", tunsafe_protocol }, { "ObfuscateTCP", tunsafe_protocol },
	{ "HeaderObfuscation", tunsafe_protocol },
	{ "CheckAlive", wireproxy }, { "CheckAliveInterval", wireproxy },
	{ "PublicKeyFile", key_file },
	{ "RouteTable", table }, { "RouteMetric", metric }, { "FirewallMark", mark },
};

bool conf_foreign_explain(struct text *t, struct span key)
{
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		if (span_is_nocase(key, foreign[i].key)) {
			text_f(t, "%s %s", foreign[i].key, foreign[i].text);
			return true;
		}
	return false;
}
