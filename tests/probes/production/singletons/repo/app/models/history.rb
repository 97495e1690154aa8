class History
  class << self
    def all
      @messages ||= Hash.new { |hash, key| hash[key] = [] }
    end
  end
end
