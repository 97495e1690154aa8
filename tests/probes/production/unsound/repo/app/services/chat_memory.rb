class ChatMemory
  SESSIONS = Concurrent::Map.new

  def self.add(id, turn) = SESSIONS.compute(id) { |turns| [*turns, turn] }
end
