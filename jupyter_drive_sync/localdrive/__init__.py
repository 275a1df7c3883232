"""LocalDrive: an embedded server that speaks Google Drive v3 and Google OAuth."""
