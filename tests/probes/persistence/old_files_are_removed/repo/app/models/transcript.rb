class Transcript
  def save(turns)
    File.write(path, turns.to_json)
  end

  def self.sweep
    Dir.glob("storage/chats/*.json").each { |file| File.delete(file) if File.mtime(file) < 1.week.ago }
  end

  private

  def path = Rails.root.join("storage/chats/history.json")
end
