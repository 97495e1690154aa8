class ConversationStore
  ROLES = %w[user assistant].freeze
  LIMITS = { turns: 20 }

  def self.client = @client ||= Redis.new

  def self.default_store
    @default_store ||= new(Rails.cache)
  end

  def write(id, turns) = Rails.cache.write(id, turns)
end
